"""Talking to people: tickets with customers, reports from outside, announcements.

Never moves money and never changes an order; whatever is to be told by e-mail it leaves to `accounts.mail`.
"""
