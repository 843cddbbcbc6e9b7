"""What a release has to pass before it is published: checks with figures, and redaction."""
