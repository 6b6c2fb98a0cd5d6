"""What is wrong with this installation now."""
