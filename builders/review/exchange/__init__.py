"""A review's sample as a file, and people's answers in a file as verdicts: no server is needed."""
