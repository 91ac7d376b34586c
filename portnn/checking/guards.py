"""Guards that turn what would go wrong elsewhere into errors here."""

from __future__ import annotations

import contextlib
from typing import Any

from portnn.backends import Array, Backend


def without_stalls(backend: Backend) -> contextlib.AbstractContextManager[Any]:
    """Make it an error to do what would stall a GPU, as far as the library can tell.

    JAX detects implicit copies between host and device; array-api-strict detects boolean indexing and shapes that
    depend on values. Other libraries detect nothing.
    """
    return backend.library.without_stalls()


def frozen(array: Array) -> Array:
    """Array that cannot be written to, if the library has them (NumPy does), so that an attempt is an error."""
    flags = getattr(array, "flags", None)
    if flags is not None and hasattr(flags, "writeable"):
        array = array.view()
        array.flags.writeable = False
    return array
