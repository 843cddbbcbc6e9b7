"""How critics write: headings, lists, scores, refinements and JSON, each read by itself."""
