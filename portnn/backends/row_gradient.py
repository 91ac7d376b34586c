"""`RowGradient`: the gradient of a table of which only some rows were used."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends.libraries import library_of
from portnn.backends.libraries.primitives import Array, Namespace


class RowGradient(NamedTuple):
    """Gradient of a table (n, m) that is zero except in some rows.

    Attributes
    ----------
    ids : integer array (k,)
        Rows of the table. The gradient of an id that occurs several times is the sum of its rows.
    rows : array (k, m)
    """

    ids: Array
    rows: Array


class SummedRows(NamedTuple):
    """A `RowGradient` in which each id's gradient stands in one place.

    Attributes
    ----------
    ids : integer array (k,)
        On NumPy each id once. Elsewhere as many as before, so that no shape depends on data.
    rows : array (k, m)
        The sum at the first of equal ids, zeros at the others.
    leads : array (k, 1)
        1 for rows that hold a sum, 0 for the others.
    """

    ids: Array
    rows: Array
    leads: Array


def coalesce(gradient: RowGradient | SummedRows, *, xp: Namespace) -> SummedRows:
    """Sum the rows that have the same id; what has been summed is returned as it is."""
    if isinstance(gradient, SummedRows):
        return gradient
    return SummedRows(*library_of(xp).coalesce(*gradient, xp=xp))
