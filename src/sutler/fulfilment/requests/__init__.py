"""Refills and cancels of orders that are at a provider: passed on once, asked about, settled.

Never sends an order.
"""
