"""Webhook events that could not be told: seen from outside, never what they say, and put back on the road."""
