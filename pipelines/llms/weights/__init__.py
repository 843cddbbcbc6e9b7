"""Models whose weights this process loads; to go once transformers' continuous batching is as fast.

That would have to hold on CPUs as on GPUs, with a seed for each request: as of 5.23 it has one
seed for all.
"""

# Before torch, which the modules here import.
import services.model.resources  # noqa: F401
