"""Signing up, signing in and out, invitations, terms, and staff who look at the shop as a customer."""
