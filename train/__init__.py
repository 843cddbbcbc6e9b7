"""The two training scripts, and what they share: arguments, released rows, checkpoints."""

# Before torch, which reads how its threads are to wait when it is loaded.
import pipelines.llms.openmp  # noqa: F401
