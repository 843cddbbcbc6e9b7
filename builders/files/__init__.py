"""Files: read as tables, written whole or not at all, hashed, and held by one process at a time."""
