"""What stands before Django: who may wait, whose turn is next, and on which thread a request is answered.

Everything here has a bound, and what is over it gets 503 with Retry-After. Knows no business rule and makes no query.
"""
