"""Evaluations: a model answers instructions, and a judge compares it with a reference."""
