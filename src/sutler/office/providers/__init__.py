"""Staff's pages of providers: how each does, what it sells, the words in which it refuses."""
