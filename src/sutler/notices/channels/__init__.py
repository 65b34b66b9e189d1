"""Channels besides e-mail: a folder for each kind, the shape they have, the list of them."""
