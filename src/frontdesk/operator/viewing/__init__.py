"""Looking into an organization: with a reason, for half an hour, changing nothing, and under its eyes."""
