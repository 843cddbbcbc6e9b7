"""Reviews in Argilla: the server, the records that annotators see, and their responses."""
