import os

# Read when the Hub's client is imported. The Hub of the tests has no Xet, and what a test does with
# the bare client would fail there; the tests of Xet switch it on.
os.environ["HF_HUB_DISABLE_XET"] = "1"

from hypothesis import HealthCheck, settings

# Here for all folders: a fixture imported by two conftests would start two servers.
from tests.argilla import argilla_server

__all__ = ["argilla_server"]

# Scripts play the model in tests, also in the commands that they start.
os.environ["SRT_SCRIPTED_MODELS"] = "1"

# No deadline: how long an example takes, or takes to be drawn, depends on the machine.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
