"""When two instructions are the same, or nearly the same."""
