"""What runs in Argilla's own environment: `python services/argilla/inside ROLE`.

Modules import each other by their bare names: the folder itself is on the path there, and nothing
else of this project is. `leash`, which needs nothing but Python, is imported from outside as well.
"""
