"""PayPal: the customer approves an order at PayPal, and the panel captures it."""
