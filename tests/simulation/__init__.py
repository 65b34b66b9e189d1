"""The simulation: the real worker in simulated time, from one seed, against upstreams that lie.

A course (`course.py`) is a panel with its providers (`world.py`), customers who order, workers that die and sleep at
the worst moments (`lives.py`, `points.py`), faults by the mixes of `mixes.py`, then quiet until all is settled. The
auditor then holds what the upstreams really did against what the panel believes. `bugs.py` are the negative controls.

`make simulate` runs many courses, `make test` a few short ones.
"""
