"""The office: the pages of staff. Each asks for a permission of the reader's role.

Changes nothing by itself: money moves through `books`, orders through the verbs of `orders`, as for everybody.
"""
