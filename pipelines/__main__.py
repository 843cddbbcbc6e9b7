"""`python -m pipelines` is `srt`, by the Python that is asked."""

from pipelines.cli import main

main()
