"""A recipe: its keys, its defaults, and the file it is read from."""
