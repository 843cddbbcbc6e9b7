"""A real Hub of one's own: the embedded server as a child process, and clients that talk to it."""

from services.hub.launch import RunningHub, running_hub

__all__ = ["RunningHub", "running_hub"]
