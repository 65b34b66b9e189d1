"""The engine room: what SQLite and PostgreSQL do differently, kept in one place.

Durability checked at start, moments as text, rows as one JSON parameter, several writes as one statement.
Knows no table of the panel.
"""
