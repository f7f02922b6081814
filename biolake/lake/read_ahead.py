"""Prepares the next of some items in a thread while the present one is in use."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")


def read_ahead(items: Iterable[_Item]) -> Iterator[_Item]:
    """Yield the items; worth it where both making and using them leave the interpreter to others for long."""
    iterator = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        coming = pool.submit(_next, iterator)
        while found := coming.result():
            coming = pool.submit(_next, iterator)
            yield from found


def _next(iterator: Iterator[_Item]) -> tuple[_Item, ...]:
    """Return the next item alone, or nothing at the end."""
    for item in iterator:
        return (item,)
    return ()
