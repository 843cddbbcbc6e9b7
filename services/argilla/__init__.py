"""The real Argilla server on this machine, with SQLite where it wants Elasticsearch.

`environment` makes the virtual environment that it lives in, `server` runs it, `launch` runs it
as a child process. What is in `inside` runs in that environment and imports nothing of ours.
"""
