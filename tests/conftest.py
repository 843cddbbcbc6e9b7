from hypothesis import settings

# Once for all folders: a fixture that two conftests import is two fixtures, and two servers.
from tests.argilla import argilla_server

__all__ = ["argilla_server"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
