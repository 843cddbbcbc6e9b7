"""`python -m pipelines` is `srt`, run by this Python."""

from pipelines.cli import main

main()
