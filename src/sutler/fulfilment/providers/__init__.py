"""A provider as we keep and reach it: its session, lease, call log, circuit breaker, alarms, account and ledger.

Knows no order's fate.
"""
