"""The Hub's HTTP API and web pages."""
