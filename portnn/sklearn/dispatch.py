"""Arrays under scikit-learn's array API dispatch: which follow X, in which dtypes, and which a network refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn

from portnn.backends import Backend, device, is_array, library_name, namespace, to_host
from portnn.batches import is_sparse


def follows(X: Any) -> bool:
    """Whether X stays in its library: it does if dispatch is on and X is not NumPy's."""
    return sklearn.get_config()["array_api_dispatch"] and is_array(X) and not isinstance(X, np.ndarray)


def dtypes(X: Any) -> list[Any]:
    """Dtypes that X may have where it is; X of another dtype is converted to the first."""
    if not follows(X):
        return [np.float64, np.float32]
    known = namespace(X=X).__array_namespace_info__().dtypes(kind="real floating", device=device(X))
    return [known[name] for name in ("float64", "float32") if name in known]


def as_input(X: Any) -> Any:
    """X for scikit-learn's validation, which takes float32 in another byte order for another dtype.

    Arrays of other libraries come to the host unless dispatch is on, by the way of their library: NumPy cannot read
    tensors that require gradients, nor every device.
    """
    if isinstance(X, np.ndarray):
        return X if X.dtype.isnative else X.astype(X.dtype.newbyteorder("="))
    return X if follows(X) or not is_array(X) else to_host(X)


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
