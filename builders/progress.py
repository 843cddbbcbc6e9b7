"""How long work reports what it is doing and how far it has come."""

from collections.abc import Callable

# Called with the name of the stage ("splitting", "writing", "checking") and the rows done in it.
Progress = Callable[[str, int], None]
# Called with a one-line message for the user.
Notify = Callable[[str], None]
