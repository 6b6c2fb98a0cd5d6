"""The inbox: what the team sees of conversations, and what it does in them."""
