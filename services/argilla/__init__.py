"""The real Argilla server on this machine, with SQLite in place of Elasticsearch.

`environment` installs it into a virtual environment of its own, `server` runs it, `launch` runs it
as a child process. The code in `inside` runs in that environment and imports nothing of ours.
"""
