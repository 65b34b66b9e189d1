"""Who: customers, their people, their API keys, the groups they are priced by, and staff.

Knows nothing of money, of services or of orders.
"""
