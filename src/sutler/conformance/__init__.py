"""Examines whether any panel speaks the v2 protocol, and says in which points it differs.

Asks over the client in `panels` and reports. Keeps nothing and knows no database.
"""
