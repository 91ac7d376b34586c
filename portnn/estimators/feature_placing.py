"""The user's features, checked, and placed where batches take them from."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import Array, Backend, device, library_name, namespace, to_host
from portnn.tables.placing import as_table

PIECE = 1 << 22
"""Entries that are looked at a time."""


def place_features(features: Any, backend: Backend, *, width: int | None = None) -> Array:
    """Features (rows, width): on the host as they are, perhaps in a mapped file, or on the backend.

    Raises
    ------
    TypeError
        If they are of another library than the model, or not of real numbers.
    ValueError
        If they are no table with rows and columns, of another width than the model's, on another device, or one is NaN
        or infinite.
    """
    placed = as_table(features)
    shape = tuple(map(int, placed.shape))
    if len(shape) != 2 or 0 in shape:
        hint = "; images need a ConvNet: fit(images, captions, features=net)" if len(shape) in (3, 4) else ""
        raise ValueError(f"features have shape {shape}, expected (images, features){hint}")
    if width is not None and shape[1] != width:
        raise ValueError(f"features have {shape[1]} entries, but the model expects {width}")
    if isinstance(placed, np.ndarray):
        size = max(1, PIECE // shape[1])
        for start in range(0, shape[0], size):
            _check_finite(placed[start : start + size], start)
        return placed
    xp = namespace(features=placed)
    if xp is not backend.xp:
        raise TypeError(
            f"the features belong to {library_name(xp)}, but the model to {backend.name}; `to` moves a fitted model"
        )
    if backend.device is not None and device(placed) != backend.device:
        raise ValueError(
            f"the features are on device {device(placed)}, but the model on {backend.device}; `to` moves a fitted model"
        )
    placed = xp.astype(placed, getattr(xp, backend.dtype), copy=False)
    if not bool(xp.all(xp.isfinite(placed))):
        _check_finite(to_host(placed), 0)
    return placed


def _check_finite(block: np.ndarray[Any, Any], start: int) -> None:
    with np.errstate(all="ignore"):
        if np.isfinite(block.sum()):
            return
    wrong = np.flatnonzero(~np.isfinite(block).all(axis=1))
    if len(wrong):
        raise ValueError(f"features of image {start + wrong[0]} have NaN or infinity")
