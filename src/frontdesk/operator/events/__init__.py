"""Events of the payment provider: whose, what became of them, and handled again."""
