"""What the rows of an old panel mean: each is a record of ours, or stays behind with a reason. Asks no database."""
