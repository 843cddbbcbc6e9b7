"""Runs a recipe on a Ray cluster: models at the workers; ledger, store and budget here.

`driver` joins the two, `cluster` finds the Ray and counts what it has, `pipeline` places the
replicas, `replica` is what a worker holds, `keeper` serves the store and the budget to them.
"""
