"""The worker: which jobs there are, how often each runs, and the session with each provider that it holds.

Decides when, never what: each job is a verb of a room below.
"""
