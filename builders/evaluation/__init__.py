"""Win rates: how often a model's draft and its refinement are preferred to a reference.

Judgments (`rows`) are read from files (`annotations`) or made by `pipelines.evaluation`; `measure`
computes every figure of them, and `result` is the folder on disk.
"""
