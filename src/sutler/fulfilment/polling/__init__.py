"""Asking about orders at a provider: when, what an answer means, and applying it.

Never decides whether an order was placed.
"""
