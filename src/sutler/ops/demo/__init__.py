"""`sutler demo`: a panel to play with, what it sells, and who delivers there."""
