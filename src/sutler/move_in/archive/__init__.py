"""The whole panel as one file of JSON lines, on either engine: `sutler export` writes it, `move-in` reads it."""
