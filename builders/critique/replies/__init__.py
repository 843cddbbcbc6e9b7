"""The parts of a critic's reply: headings, sections, lists, scores, refinements, JSON."""
