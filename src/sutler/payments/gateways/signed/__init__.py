"""A gateway set up without code: an address with templated fields, and notices with a signature of a usual kind."""
