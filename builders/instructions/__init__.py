"""Where instructions come from: files, Hub datasets, the built-in set, computed problems."""
