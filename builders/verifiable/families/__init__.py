"""The families of problems: each makes instructions and checks drafts of their answers."""
