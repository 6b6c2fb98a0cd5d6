"""What an organization has beside what it bought: plans given, and exceptions from what a plan allows."""
