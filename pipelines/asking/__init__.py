"""Asks models about rows in memory, for audits and evaluations, by whichever execution is chosen.

Answers are on disk before the next ones are asked for, nothing is paid for twice, and all models of
a command have one budget.
"""
