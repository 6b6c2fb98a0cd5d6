"""The second step of a sign-in: the factor beside the password."""
