"""What providers sell and what it makes our services cost: sync, import, routes, prices, exchange rates.

Never touches an order.
"""
