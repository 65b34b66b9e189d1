"""The panel in a real browser, and what fills it."""

OWNER, SUPPORT, CUSTOMER = "olga@example.com", "sue@example.com", "alice@example.com"
PASSWORD = "a long pass phrase"
