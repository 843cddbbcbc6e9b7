"""Secrets and personal data in texts: finding them, and taking them out."""
