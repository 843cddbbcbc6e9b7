"""Runs and audits through an endpoint's batch API.

`driver` builds a run by the `passes`, `collect` has the models that queue requests, `submit` makes
batches of the `queue` and `results` reads them; `records` and `api` are what is on disk and at the
endpoint.
"""
