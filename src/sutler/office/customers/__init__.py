"""Staff's pages of customers: who they are, their money, their access, what they pay."""
