"""The operator's shell: the `sutler` commands, the demo panel and `verify`.

Calls the same verbs as every other way in.
"""
