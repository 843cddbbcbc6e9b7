"""The two training scripts, and what they share: arguments, released rows, checkpoints."""
