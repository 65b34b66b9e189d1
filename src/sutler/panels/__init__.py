"""The client of upstream panels, and the one safe way out to the network.

Asks and reads: what an answer decides is the caller's business. Knows no database and no order.
"""
