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


def coalesce(gradient: RowGradient, *, xp: Namespace) -> tuple[RowGradient, Array]:
    """Sum the rows that have the same id, so that each id's gradient stands in one place.

    Returns
    -------
    RowGradient
        On NumPy each id once. Elsewhere k rows as before, so that no shape depends on data: sorted by id, the sum at
        the first of equal ids and zeros at the others.
    leads : array (rows, 1)
        1 for rows that hold a sum, 0 for the others.
    """
    ids, rows, leads = library_of(xp).coalesce(*gradient, xp=xp)
    return RowGradient(ids, rows), leads
