"""`sum_runs`: sum the rows of equal ids in an order that the ids alone decide.

A GPU adds rows to a table with atomic additions, in whatever order its threads arrive, and a sum of floating-point
numbers depends on the order. Where each id brings only one row that is not zero, it no longer does. So on a GPU a
library sums rows here before it adds them, and one seed gives one model there, too.
"""

from __future__ import annotations

from portnn.backends.libraries.primitives import Array, Namespace

ONE_HOT_ROWS = 512
"""On a GPU, tables up to this many rows are summed by a one-hot matrix product, unless they are donated."""


def sum_runs(ids: Array, rows: Array, *, xp: Namespace) -> tuple[Array, Array, Array]:
    """Do what `coalesce` does, by doubling: after d rounds, a row holds the sum of up to 2**d rows of its run.

    The number of rounds, the logarithm of the number of rows, does not depend on how often an id occurs; in texts, one
    word in twenty is the same, and a thread that summed such a run alone would keep all others waiting.
    """
    count = ids.shape[0]
    if not count:
        return ids, rows, rows[:, :1]
    order = xp.argsort(ids, stable=True)
    ids, sums = xp.take(ids, order, axis=0), xp.take(rows, order, axis=0)
    zero = xp.zeros_like(sums[:1, :])
    span = 1
    while span < count:
        same = (ids[span:] == ids[:-span])[:, None]  # sorted: whatever lies between is the same, too
        sums = xp.concat([sums[:-span, :] + xp.where(same, sums[span:, :], zero), sums[-span:, :]])
        span *= 2
    first = xp.concat([xp.ones_like(ids[:1], dtype=xp.bool), ids[1:] != ids[:-1]])[:, None]
    return ids, xp.where(first, sums, zero), xp.astype(first, rows.dtype)
