"""The negative controls: bugs that panels in use have, switched in to see that the auditor finds what they do."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def switched_in(name: str) -> Iterator[None]:
    yield
