"""What was asked: placing, looking up, cancelling, refilling, drip-feed and subscriptions.

The verbs here are the only way an order comes into being or changes; every way in calls them. Never calls a network.
"""
