"""Stripe Checkout: the customer pays at Stripe's own page, and Stripe reports it by signed events."""
