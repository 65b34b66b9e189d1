"""NOWPayments: coins, at its own page or with an address and an amount shown here."""
