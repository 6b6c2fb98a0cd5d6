"""What waits in the machine: lanes, mails, deletions."""
