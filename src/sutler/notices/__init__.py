"""People hear what happens: what, who, by which channel, when.

Reads what the rooms below write down anyway, so that none of them knows of it and nothing is slower for it. Never
changes an order, moves money or decides anything.
"""
