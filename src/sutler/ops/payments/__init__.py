"""`sutler payment-method` and `sutler payments`: ways to pay, and what gateways and books say of the same money."""
