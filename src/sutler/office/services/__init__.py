"""Staff's pages of what is sold: services, categories, prices, routes and currencies."""
