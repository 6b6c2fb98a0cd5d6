"""What an organization bought at the payment provider, changed by an operator."""
