"""What people's verdicts say: which rows to ask about, and how far a model agrees with people.

Computed from rows alone: nothing here talks to a review server.
"""
