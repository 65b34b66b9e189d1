"""The way in for programs: the v2 lane, the fulfilment interface, the public API page.

Reads requests, calls the verbs of the rooms below and words their answers. Decides nothing about money or orders.
"""
