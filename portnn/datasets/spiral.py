"""Spiral: arms that wind around one another, which no straight line tells apart."""

from __future__ import annotations

from typing import Any

import numpy as np

TURN = 4.0
"""Angle in radians that every arm covers; arm j starts at j times this."""


def spiral(
    points: int = 100, arms: int = 3, *, noise: float = 0.2, seed: int = 0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Points on the arms of a spiral in the plane, one class an arm.

    Parameters
    ----------
    points : int
        On each arm, from radius 0 to 1 at even distances.
    arms : int
    noise : float
        Standard deviation of each point's angle, in radians.
    seed : int
        The points of a seed are the same with every version of NumPy.

    Returns
    -------
    X : array (points * arms, 2), float64
        Arm by arm, from the middle outwards.
    y : integer array (points * arms,)
        Number of the arm.

    Raises
    ------
    ValueError
        If `points` or `arms` is not positive, or `noise` or `seed` is negative.

    References
    ----------
    The course notes of CS231n, Convolutional Neural Networks for Visual Recognition, Stanford, train on it; seed 0
    gives their points. https://cs231n.github.io/neural-networks-case-study/

    Examples
    --------
    >>> from portnn.datasets import spiral
    >>> X, y = spiral(points=2, arms=3, noise=0.0)
    >>> X.round(2).tolist()
    [[0.0, 0.0], [-0.76, -0.65], [-0.0, -0.0], [0.99, -0.15], [0.0, -0.0], [-0.54, 0.84]]
    >>> y.tolist()
    [0, 0, 1, 1, 2, 2]
    """
    if points < 1 or arms < 1:
        raise ValueError(f"points and arms must be positive, got {points} and {arms}")
    if noise < 0.0 or seed < 0:
        raise ValueError(f"noise and seed must not be negative, got {noise:g} and {seed}")
    draws = np.random.RandomState(seed)  # NumPy never changes what this one draws
    radius = np.linspace(0.0, 1.0, points)
    starts = TURN * np.arange(arms)[:, None]
    angle = starts + np.linspace(0.0, TURN, points) + noise * draws.standard_normal((arms, points))
    X = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=-1).reshape(-1, 2)
    return X, np.repeat(np.arange(arms), points)
