"""Rows that wait: states that stay as they are at a row's padding, and padding that is set to zero."""

from __future__ import annotations

from portnn.backends.libraries import library_of
from portnn.backends.libraries.primitives import Array, Namespace


def where_running(
    running: Array, new: tuple[Array, ...], old: tuple[Array, ...], *, xp: Namespace
) -> tuple[Array, ...]:
    """`new` in the rows that run, `old` in the others.

    Parameters
    ----------
    running : boolean array (batch, 1)
    new, old : tuple of arrays (batch, n)

    Returns
    -------
    tuple of arrays (batch, n)
        Perhaps those given.
    """
    return library_of(xp).where_running(running, new, old, xp=xp)


def zero_padding(running: Array, sequence: Array, *, xp: Namespace) -> Array:
    """Sequence with zeros at its padding, which may hold anything.

    Parameters
    ----------
    running : boolean array (time, batch, 1) or (time, batch)
        False from the end of each row on.
    sequence : array (time, batch, n) or (time, batch)

    Returns
    -------
    array shaped like `sequence`
        Perhaps the one given.
    """
    return library_of(xp).zero_padding(running, sequence, xp=xp)
