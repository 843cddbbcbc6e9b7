"""Audits: which model judges, what it is asked, and what is kept of its replies."""
