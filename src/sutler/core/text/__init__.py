"""Text and bytes from outside, read within bounds: charsets, JSON, CSV, what people type."""
