"""Sutler: an open, self-hosted order desk for resellers."""

__version__ = "0.1.0"
