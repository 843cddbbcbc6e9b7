"""How a ledger row becomes training rows."""
