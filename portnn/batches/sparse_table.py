"""`SparseTable`: a sparse matrix whose rows become arrays, some at a time, when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from portnn.backends import Array, Backend, real_numbers
from portnn.batches.host_table import Host, HostTable

BLOCK_ENTRIES = 1 << 22
"""Entries, zeros among them, of the rows that are dense at a time where a table is worked through."""


class SparseTable(HostTable):
    """Rows of a sparse matrix on the host; ``table[start:stop, ...]`` is an array on the backend.

    Parameters
    ----------
    rows : SciPy's sparse array or matrix in compressed rows (rows, features), of float32 or float64
    backend : Backend
    scale : callable, optional
        Applied to dense rows on the host before they are moved.
    """

    def __init__(self, rows: Any, backend: Backend, scale: Callable[[Host], Host] | None = None) -> None:
        self.rows, self.backend, self.scale = rows, backend, scale

    @classmethod
    def of(cls, x: Any, backend: Backend, scale: Callable[[Host], Host] | None = None) -> SparseTable:
        """Table of a sparse matrix in any format, which stays as it is.

        Entries are sorted, those given twice are added, and zeros among them are dropped, so that equal tables have
        equal entries.

        Raises
        ------
        TypeError
            If it is not of SciPy or not of real numbers.
        """
        rows = compressed(x)
        if not rows.has_canonical_format or not np.all(rows.data):
            rows = rows.copy()
            rows.sum_duplicates()
            rows.eliminate_zeros()
        dtype = np.float32 if rows.dtype == np.float32 else np.float64
        return cls(rows.astype(dtype, copy=False), backend, scale)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and features."""
        rows, features = self.rows.shape
        return int(rows), int(features)

    def __getitem__(self, where: tuple[slice, Any]) -> Array:
        dense = self.rows[where[0]].toarray()
        return self.backend.asarray(dense if self.scale is None else self.scale(dense))

    def take(self, ids: Host) -> SparseTable:
        """Table of the rows with the given ids, on the host."""
        return SparseTable(self.rows[ids], self.backend, self.scale)

    def entries(self) -> tuple[Host, Host, Host]:
        """Numbers in the backend's dtype, row after row; the column of each; and where each row starts."""
        with np.errstate(over="ignore"):
            numbers = self.rows.data.astype(self.backend.dtype)
        return numbers, self.rows.indices.astype(np.int64), self.rows.indptr.astype(np.int64)

    def pieces(self) -> Iterator[Host]:
        """The same, for a digest."""
        yield from self.entries()


def compressed(x: Any) -> Any:
    """Sparse matrix in compressed rows.

    Raises
    ------
    TypeError
        If it is not of SciPy or not of real numbers.
    """
    rows = x.tocsr()
    if not isinstance(getattr(rows, "data", None), np.ndarray):
        raise TypeError(f"X is sparse ({type(x).__name__}), but not of SciPy; X.toarray() makes it dense")
    real_numbers("X", rows.data)
    return rows


def is_sparse(x: Any) -> bool:
    """Whether this is a sparse matrix, without importing what it is of."""
    return hasattr(x, "tocsr")


def blocks(x: Array | HostTable, most: int) -> Iterator[tuple[int, int]]:
    """Where each block of rows starts and stops: at most so many, or as many as are dense at a time."""
    rows = x.shape[0]
    if isinstance(x, SparseTable):
        most = max(1, min(most, BLOCK_ENTRIES // x.shape[1]))
    for start in range(0, rows, most):
        yield start, min(start + most, rows)
