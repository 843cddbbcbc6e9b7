# Once for all folders: a fixture that two conftests import is two fixtures, and two servers.
from tests.argilla import argilla_server

__all__ = ["argilla_server"]
