"""Embedded stand-ins that speak the real protocol of a service, on this machine only."""
