"""Parameters from a checkpoint, checked against their model."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.checkpoints import CheckpointError
from portnn.models import Model


def checked_params(arrays: dict[str, Any], model: Model) -> dict[str, np.ndarray[Any, Any]]:
    """Return parameters of a model, on the host.

    Raises
    ------
    CheckpointError
        If one is missing, of another shape, or holds NaN or infinity.
    """
    params = {name: arrays.get(f"params.{name}") for name in model.shapes()}
    for name, shape in model.shapes().items():
        array = params[name]
        if array is None or array.shape != shape:
            raise CheckpointError(f"the checkpoint's {name} does not fit its configuration, expected {shape}")
        if not np.all(np.isfinite(array)):
            raise CheckpointError(f"the checkpoint's {name} holds NaN or infinity")
    return params  # type: ignore[return-value]
