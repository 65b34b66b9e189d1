"""The desk: manual orders, and how staff and the operator's own software report on them.

Speaks with no provider.
"""
