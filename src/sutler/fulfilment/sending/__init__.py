"""Sending orders: which route, claimed by whom, sent once, and what the answer proves.

The only room that calls `add`. An attempt that may have been placed is never sent again.
"""
