"""Dataset cards, model cards, review reports and their plots, rendered from computed facts.

Imports nothing else of this project.
"""
