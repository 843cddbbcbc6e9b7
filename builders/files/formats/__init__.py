"""Readers of table files, one for each kind; `builders.files.tables` chooses between them."""
