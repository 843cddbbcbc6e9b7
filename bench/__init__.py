"""Benchmarks; each module runs by itself: `python -m bench.overhead --help`."""
