"""Rings: one class inside the other, which no straight line tells apart."""

from __future__ import annotations

from typing import Any

import numpy as np


def rings(
    points: int = 50, *, inner: float = 0.3, noise: float = 0.1, seed: int = 0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Points on two circles around the origin, one class a circle.

    Parameters
    ----------
    points : int
        On each circle, at even angles.
    inner : float
        Radius of the smaller circle, in [0, 1); the other has radius 1.
    noise : float
        Standard deviation of what is added to each coordinate.
    seed : int
        The points of a seed are the same with every version of NumPy.

    Returns
    -------
    X : array (2 * points, 2), float64
        The outer circle first.
    y : integer array (2 * points,)
        0 for the outer circle, 1 for the inner one.

    Raises
    ------
    ValueError
        If `points` is not positive, `inner` is not in [0, 1), or `noise` or `seed` is negative.

    Examples
    --------
    >>> from portnn.datasets import rings
    >>> X, y = rings(points=2, inner=0.5, noise=0.0)
    >>> (X + 0.0).round(2).tolist()
    [[1.0, 0.0], [-1.0, 0.0], [0.5, 0.0], [-0.5, 0.0]]
    >>> y.tolist()
    [0, 0, 1, 1]
    """
    if points < 1:
        raise ValueError(f"points must be positive, got {points}")
    if not 0.0 <= inner < 1.0:
        raise ValueError(f"inner must be in [0, 1), got {inner:g}")
    if noise < 0.0 or seed < 0:
        raise ValueError(f"noise and seed must not be negative, got {noise:g} and {seed}")
    angle = np.linspace(0.0, 2.0 * np.pi, points, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    draws = np.random.RandomState(seed)  # NumPy never changes what this one draws
    X = np.concatenate([circle, inner * circle]) + noise * draws.standard_normal((2 * points, 2))
    return X, np.repeat(np.asarray([0, 1]), points)
