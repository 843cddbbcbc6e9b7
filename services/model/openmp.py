"""How models in this process share its cores. Import it before torch and llama.cpp.

Both compute with OpenMP, which reads its policy once, when it is loaded. Threads that spin
while they wait are up to twice as fast on an idle machine, and twenty times slower as soon as
another process wants a core. A user with a machine of their own can set OMP_WAIT_POLICY=ACTIVE.
"""

import os
import threading

PASSIVE = os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE").upper() == "PASSIVE"
if PASSIVE:
    os.environ.setdefault("GOMP_SPINCOUNT", "0")

# Held while a model loads or generates: two at once would compete for the cores or the memory.
ONE_AT_A_TIME = threading.RLock()
