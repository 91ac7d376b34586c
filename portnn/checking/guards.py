"""Guards that turn what would go wrong elsewhere into errors here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from portnn.backends import Array, Backend


@contextlib.contextmanager
def without_stalls(backend: Backend) -> Iterator[None]:
    """Make it an error to do what would stall a GPU.

    On JAX: copies between host and device that nobody asked for. On array-api-strict: boolean indexing and
    shapes that depend on values. Elsewhere nothing is watched.
    """
    if backend.name == "jax":
        import jax

        with jax.transfer_guard("disallow"):
            yield
    elif backend.name == "array-api-strict":
        from array_api_strict import ArrayAPIStrictFlags

        with ArrayAPIStrictFlags(boolean_indexing=False, data_dependent_shapes=False):
            yield
    else:
        yield


def frozen(array: Array) -> Array:
    """Array that cannot be written into, where the library knows such (NumPy), so that it is seen if one is."""
    flags = getattr(array, "flags", None)
    if flags is not None and hasattr(flags, "writeable"):
        array = array.view()
        array.flags.writeable = False
    return array
