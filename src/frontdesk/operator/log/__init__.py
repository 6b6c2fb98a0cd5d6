"""What operators did, in their own log and in that of each organization that it concerned."""
