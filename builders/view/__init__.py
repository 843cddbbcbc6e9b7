"""Rows to look at: of a run, a release, a review, an audit or an evaluation.

`opening` says what a folder is, and makes a `source`: where its rows are and what belongs to them;
`audited` and `evaluated` are two kinds of it. `files` reads the metadata of parquet files and
leaves out damaged ones; `index` keeps the short facts of every row in DuckDB, by which rows are
filtered, sorted and counted; `filters` reads what is asked for; `rows` reads whole rows by number;
`view` puts these together, and compares two sources by the ids of their rows. `table` reads a few
rows of any parquet files.
"""
