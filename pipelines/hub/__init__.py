"""Releases and checkpoints on the Hub: planned, published in one commit, tagged last, verified."""
