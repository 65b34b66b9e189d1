"""How money comes in: the methods that staff offer, and customers' requests to add funds.

Moves money only through `books.post`, once for each request. Knows nothing of orders.
"""
