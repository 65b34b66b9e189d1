"""The benchmark: the real server under load, side by side with yardsticks on the same machine in the same run.

Measures over HTTP only, as a customer would. Never reaches into the panel's code while it measures.
"""
