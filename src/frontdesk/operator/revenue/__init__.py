"""What the installation earns, month by month."""
