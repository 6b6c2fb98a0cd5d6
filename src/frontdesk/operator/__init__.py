"""The console of whoever runs the installation: organizations, users, money and the machine, and never a message without a reason."""
