"""How models in this process share its cores, and what their computations may keep in memory.

Import it before torch and llama.cpp, which read these settings once, when they are loaded or used.

Both compute with OpenMP. Threads that spin while they wait are up to twice as fast on an idle
machine, and twenty times slower as soon as another process wants a core. A user with a machine of
their own can set OMP_WAIT_POLICY=ACTIVE.
"""

import os
import threading

PASSIVE = os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE").upper() == "PASSIVE"
if PASSIVE:
    os.environ.setdefault("GOMP_SPINCOUNT", "0")

# oneDNN, with which torch computes in bfloat16, keeps the code of 1,024 products of matrices, and
# so does torch: two megabytes for each length of a prompt. A step needs less than ten products.
for _cache in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
    os.environ.setdefault(_cache, "64")

# Held while a model loads or generates: two at once would compete for the cores or the memory.
ONE_AT_A_TIME = threading.RLock()
