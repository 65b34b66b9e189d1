"""Gateways: one folder for each kind, which knows one service's own words and signatures.

A gateway reads and asks; it knows no database and moves no money. What it has verified it hands on as facts, and
`payments.settle` applies them. Others are installed as packages with an entry point in the group `sutler.gateways`.
"""
