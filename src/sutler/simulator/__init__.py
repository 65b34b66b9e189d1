"""A scripted upstream panel with faults to switch on, for demonstrations, tests and trying out other software.

Speaks the protocol, never a database. Nothing that runs for real may depend on it but the demo.
"""
