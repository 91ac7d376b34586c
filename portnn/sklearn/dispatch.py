"""Arrays under scikit-learn's array API dispatch: which follow X, in which dtypes, and which a network refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn

from portnn.backends import Backend, detached, device, is_array, library_name, namespace, native, to_host
from portnn.batches import is_sparse


def follows(X: Any) -> bool:
    """Whether X stays in its library: it does if dispatch is on and X is not NumPy's."""
    return sklearn.get_config()["array_api_dispatch"] and is_array(X) and not isinstance(X, np.ndarray)


def dtypes(X: Any, names: tuple[str, ...]) -> list[Any]:
    """Those of the named dtypes that X may have where it is; X of another dtype is converted to the first."""
    if not follows(X):
        return [np.dtype(name) for name in names]
    known = namespace(X=X).__array_namespace_info__().dtypes(device=device(X))
    return [known[name] for name in names if name in known]


def entering(name: str, data: Any) -> Any:
    """X or y in a form that scikit-learn's checks understand: without a graph, and in the machine's byte order.

    Arrays of other libraries than NumPy come to the host unless dispatch is on.

    Raises
    ------
    TypeError
        If it holds dates or time spans, which the checks would take for numbers.
    ValueError
        If entries are masked, which the checks would not see, or it holds complex numbers, which they would print.
    """
    dtype = getattr(data, "dtype", None)
    kind = getattr(dtype, "kind", "")
    if kind in ("M", "m"):
        raise TypeError(f"{name} has dtype {dtype}, expected real numbers")
    if kind == "c":
        raise ValueError(f"Complex data not supported: {name} has dtype {dtype}")
    if np.ma.is_masked(data):
        raise ValueError(f"{name} has masked entries, from which nothing can be learned; fill or drop them")
    if isinstance(data, np.ndarray):
        return native(data)
    return to_host(data) if is_array(data) and not follows(data) else detached(data)


def host(array: Any) -> np.ndarray[Any, Any]:
    """Array of any library, sparse matrix, or anything that NumPy can convert to an array, on the host."""
    if is_sparse(array):
        return array.toarray()  # type: ignore[no-any-return]
    return to_host(array) if is_array(array) else np.asarray(array)


def check_same_place(X: Any, backend: Backend, method: str) -> None:
    """Refuse X of another library or device than the network if dispatch is on.

    Raises
    ------
    ValueError
    """
    if not sklearn.get_config()["array_api_dispatch"]:
        return
    name, place = (library_name(namespace(X=X)), device(X)) if follows(X) else ("numpy", "cpu")
    if name != backend.name or (not backend.library.on_host and backend.device is not None and place != backend.device):
        raise ValueError(
            f"Inputs of {method}() must use the same namespace and the same device as those of fit: X is on "
            f"{name} ({place}), the network on {backend}; `to` moves the network"
        )
