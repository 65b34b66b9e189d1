"""`sutler backup` and `sutler restore`, and the worker's daily backup, which runs the same command."""
