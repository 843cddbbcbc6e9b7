"""Releases and checkpoints on the Hub: published in one commit, tagged last, and verified."""
