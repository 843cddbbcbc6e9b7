"""From a complete run to an immutable folder: configs, splits, parquet, facts, card."""
