"""What is sold: plans with their limits and features, and their prices."""
