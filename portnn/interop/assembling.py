"""An `MLP` from weights that were trained elsewhere, and what other models need to be made of such."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from portnn.backends import Backend, real_numbers, tree_map
from portnn.backends import backend as choose_backend
from portnn.estimators import MLP
from portnn.models import FeedForward
from portnn.tables import Targets

Host = np.ndarray[Any, Any]


def assemble(
    layers: Sequence[tuple[Any, Any]],
    activation: str,
    objective: str,
    labels: Any,
    *,
    l2: float,
    backend: str | Backend,
    device: Any,
    dtype: str | None,
) -> MLP:
    """MLP with the weights (n_in, n_out) and biases (n_out,) of each layer; see `from_sklearn` for the others."""
    on_host = [(host(weight), host(bias)) for weight, bias in layers]
    sizes = (len(on_host[0][0]), *(len(bias) for _, bias in on_host))
    backend = backend_for(on_host[0][0], backend, device, dtype)
    mlp = MLP(sizes[1:-1], activation, objective, l2=l2, backend=backend)
    mlp.targets = Targets.of_network(objective, sizes[-1], labels)
    mlp.model = FeedForward(sizes, activation, objective, l2=float(l2))
    params = {}
    for layer, (weight, bias) in enumerate(on_host):
        params[f"layers.{layer}.weight"], params[f"layers.{layer}.bias"] = weight.copy(order="C"), bias.copy()
    mlp.params = tree_map(backend.asarray, params)
    return mlp


def backend_for(weights: Host, chosen: str | Backend, device: Any, dtype: str | None) -> Backend:
    """The given backend, or that of a name, by default in the dtype of some weights."""
    if isinstance(chosen, Backend):
        return chosen
    own = "float64" if weights.dtype.itemsize > 4 else "float32"
    return choose_backend(chosen, device=device, dtype=dtype or own)


def host(array: Any) -> Host:
    """Weights of any library on the host."""
    return real_numbers("weights", array)
