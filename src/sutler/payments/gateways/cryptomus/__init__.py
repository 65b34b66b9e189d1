"""Cryptomus: coins, at its own page, reported by notices with a signature among their fields."""
