"""The words in which panels refuse, in their languages: what tells of which kind of refusal, and what proves nothing.

Tables and the reading of a text into the words they are written in. Never decides what a refusal leads to.
"""
