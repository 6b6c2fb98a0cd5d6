"""Coming in by an invitation's link."""
