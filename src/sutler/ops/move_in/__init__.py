"""`sutler move-in` and `sutler export`: from another panel, and out again."""
