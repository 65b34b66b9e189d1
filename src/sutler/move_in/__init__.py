"""Moving in from another panel, and out again: everything under its old ids, all money through the books, twice never.

Reads the old panel, and never writes there.
"""
