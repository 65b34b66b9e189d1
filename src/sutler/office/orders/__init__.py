"""Staff's pages of orders: found, changed, approved, delivered by hand, and those whose outcome is unknown."""
