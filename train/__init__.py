"""The two training scripts, and what they share: arguments, released rows, checkpoints."""

import os
import sys
import warnings

# Before torch, which reads how its threads are to wait when it is loaded.
import pipelines.llms.openmp  # noqa: F401

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
if not sys.stderr.isatty():
    # Progress bars are for people: a log gets a line now and then instead (train/progress.py).
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")

# TRL 1.16 sets this key, which transformers 5.23 has renamed: nothing that a user could mend.
warnings.filterwarnings("ignore", r".*gradient_checkpointing.* is deprecated", FutureWarning)
