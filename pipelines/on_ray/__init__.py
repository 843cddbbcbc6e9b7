"""Runs a recipe on a Ray cluster: models on the workers; ledger, store and budget here.

`driver` runs the recipe, `cluster` joins a Ray and counts its resources, `pipeline` places the
replicas, `replica` is what a worker runs, `keeper` gives the replicas the store and the budget.
`pool` runs what is no model's: the work on the parts of a release, as plain tasks.
"""
