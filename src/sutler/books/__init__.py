"""Whose money: ledger accounts, transfers, and the proof that they agree.

Transfers are only ever inserted. No other room writes a balance.
"""
