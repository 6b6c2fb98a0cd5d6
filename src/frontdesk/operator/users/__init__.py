"""Users as an operator sees them: found, shut out, let in again, and freed of factors they have lost."""
