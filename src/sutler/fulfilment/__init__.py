"""Who does the work: the desk where staff and executors take orders, and the worker that keeps time.

Hands out and reports work; what a report does to an order and its money is the orders room's business.
"""
