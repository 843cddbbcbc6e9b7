"""What the verdicts say: agreement between annotators, and of the model with them."""
