"""People's review of a sample of rows: which rows, what is shown, and what the verdicts say.

Nothing here talks to a review server; `pipelines.review` does.
"""
