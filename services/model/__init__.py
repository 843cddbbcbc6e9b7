"""The embedded model, and how torch uses this machine; imports no torch."""
