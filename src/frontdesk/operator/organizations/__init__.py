"""Organizations as an operator sees them: what they have, how they are, and what is done for or against them."""
