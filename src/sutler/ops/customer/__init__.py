"""`sutler customer`: who they are, what staff set of them, their data."""
