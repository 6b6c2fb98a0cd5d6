"""The ways to Stripe's pages and back."""
