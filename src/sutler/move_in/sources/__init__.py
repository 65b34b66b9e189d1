"""Where rows come from: the tables of two families of panels, and how a server is asked for them."""
