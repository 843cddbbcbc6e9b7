"""Measurements, each a module to run: `python -m bench.overhead --help`."""
