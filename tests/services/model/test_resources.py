"""The settings that torch reads when it is loaded."""

import os
import subprocess
import sys

_NAMES = ("OMP_WAIT_POLICY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")


def shown(**environment):
    env = {name: value for name, value in os.environ.items() if name not in _NAMES}
    code = "import os, services.model.resources; print(*(os.environ[name] for name in {}))"
    return subprocess.run(
        [sys.executable, "-c", code.format(_NAMES)],
        env={**env, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()


def test_little_is_kept_of_products_that_are_not_asked_for_again():
    """A server kept two megabytes for each length of a prompt, up to some gigabytes."""
    assert shown() == ["PASSIVE", "64", "64"]


def test_a_users_own_settings_stay():
    own = {"OMP_WAIT_POLICY": "ACTIVE", "LRU_CACHE_CAPACITY": "7"}
    assert shown(**own) == ["ACTIVE", "64", "7"]


def test_they_are_there_before_torch():
    """`sys.modules` has modules in the order in which they were first imported."""
    code = "import sys, pipelines.llms.weights.continuous; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert loaded.index("services.model.resources") < loaded.index("torch")
