"""One evening of trying to get into a neighbour's organization: each test is one try, and fails where it succeeds."""
