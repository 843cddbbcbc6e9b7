"""The two training scripts and the modules they share."""

import os
import sys
import warnings

# Before torch, which reads its thread settings when it is loaded.
import services.model.resources  # noqa: F401

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
if not sys.stderr.isatty():
    # No progress bars in logs; train/progress.py prints occasional lines instead.
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")

# TRL 1.16 sets this key, which transformers 5.23 renamed; users cannot fix it.
warnings.filterwarnings("ignore", r".*gradient_checkpointing.* is deprecated", FutureWarning)
