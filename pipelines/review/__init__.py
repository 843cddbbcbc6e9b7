"""A review in Argilla: the server, the records that people read there, and their answers."""
