"""The code that runs in Argilla's own environment: `python services/argilla/inside ROLE`.

The folder itself is on Python's path there, and nothing else of this project, so these modules
import each other by their bare names.
"""
