"""Unknown outcomes: evidence gathered, verdicts reached, orders nobody claims found, balances compared.

Never calls an order placed or absent without proof, and never sends one.
"""
