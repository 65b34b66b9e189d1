"""The rules of the trade: money, order types, pricing, moves and refusals.

Pure functions and tables. Never does I/O, never reads a clock, never imports Django.
"""
