"""A run on disk: its folder, its ledger, and the counts of what was kept."""
