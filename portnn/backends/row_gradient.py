"""`RowGradient`: the gradient of a table of which only some rows were used."""

from __future__ import annotations

from typing import NamedTuple

import array_api_compat as compat

from portnn.backends.namespaces import Array, Namespace
from portnn.backends.scatter import scatter_add


class RowGradient(NamedTuple):
    """Gradient of a table (n, m) that is zero but in some rows.

    Attributes
    ----------
    ids : integer array (k,)
        Rows of the table. One that is there several times has the sum as its gradient.
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
        1 where a sum stands, 0 at the others.
    """
    ids, rows = gradient
    if compat.is_numpy_namespace(xp):
        unique, places = xp.unique(ids, return_inverse=True)
        sums = scatter_add(xp.zeros((unique.shape[0], rows.shape[1]), rows.dtype), places, rows, donate=True, xp=xp)
        return RowGradient(unique, sums), xp.ones((unique.shape[0], 1), dtype=rows.dtype)
    if not ids.shape[0]:
        return gradient, rows[:, :1]
    order = xp.argsort(ids, stable=True)
    ids = xp.take(ids, order, axis=0)
    new = xp.concat([xp.ones_like(ids[:1]), xp.astype(ids[1:] != ids[:-1], ids.dtype)])
    segment = xp.cumulative_sum(new) - 1
    sums = scatter_add(xp.zeros_like(rows), segment, xp.take(rows, order, axis=0), xp=xp)
    leads = xp.expand_dims(xp.astype(new, rows.dtype), axis=-1)
    return RowGradient(ids, xp.take(sums, segment, axis=0) * leads), leads
