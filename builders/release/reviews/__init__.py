"""What people's verdicts do to a release."""
