"""The families of problems: each one makes problems and checks drafts of answers to them."""
