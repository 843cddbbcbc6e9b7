"""The part that talks to models, the Hub and Argilla, and the `srt` command line."""
