"""Dataset cards: templates, and their rendering from facts that were computed elsewhere.

Imports nothing else of this project.
"""
