"""Everything an organization has, as one file to take along."""
