"""Scripted payment gateways, one file for each kind, with faults to switch on.

Each speaks its service's published protocol and signs as it does, in code of its own: nothing here is shared with what
reads it. It knows no database, and nothing that runs for real may depend on it.
"""
