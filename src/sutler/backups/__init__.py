"""Backups: archives of the database and the sealed secret key, checking and restoring them, a row of each run.

Knows no page and no command. Never writes into a running panel's database, except the rows of its own runs.
"""
