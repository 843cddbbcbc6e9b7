"""Imports that take seconds, made while answers are awaited."""

import threading
from importlib import import_module


def import_meanwhile(*modules: str) -> None:
    """Import modules on a thread of its own: whoever needs them later finds them there.

    What goes wrong is left to the import that needs the module.
    """

    def run() -> None:
        for module in modules:
            try:
                import_module(module)
            except Exception:
                return

    threading.Thread(target=run, name="imports").start()
