"""Classes of points in the plane that no straight line separates: arms of a spiral, and one ring around another."""

from __future__ import annotations

from typing import Any

import numpy as np

from portnn.backends import seed_of
from portnn.settings import checked_number, fraction, not_negative, positive

TURN = 4.0
"""Angle in radians that every arm covers; arm j starts at j times this angle."""


def spiral(
    points: int = 100, arms: int = 3, *, noise: float = 0.2, seed: int | None = 0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Points on the arms of a spiral, one class per arm.

    Parameters
    ----------
    points : int
        Points on each arm, evenly spaced from radius 0 to 1.
    arms : int
    noise : float
        Standard deviation of each point's angle, in radians.
    seed : int, optional
        A seed gives the same points with every version of NumPy; None gives new ones.

    Returns
    -------
    X : array (points * arms, 2), float64
        Arm by arm, from the centre outwards.
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
    points, arms = (checked_number(*pair, int, positive) for pair in (("points", points), ("arms", arms)))
    noise = checked_number("noise", noise, float, not_negative)
    draws = np.random.RandomState(seed_of(seed))  # NumPy guarantees that this stream never changes
    radius = np.linspace(0.0, 1.0, points)
    starts = TURN * np.arange(arms)[:, None]
    angle = starts + np.linspace(0.0, TURN, points) + noise * draws.standard_normal((arms, points))
    X = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=-1).reshape(-1, 2)
    return X, np.repeat(np.arange(arms), points)


def rings(
    points: int = 50, *, inner: float = 0.3, noise: float = 0.1, seed: int | None = 0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Points on two circles around the origin, one class per circle.

    Parameters
    ----------
    points : int
        Points on each circle, at evenly spaced angles.
    inner : float
        Radius of the smaller circle, in [0, 1); the other has radius 1.
    noise : float
        Standard deviation of the noise added to each coordinate.
    seed : int, optional
        A seed gives the same points with every version of NumPy; None gives new ones.

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
    points = checked_number("points", points, int, positive)
    inner, noise = checked_number("inner", inner, float, fraction), checked_number("noise", noise, float, not_negative)
    angle = np.linspace(0.0, 2.0 * np.pi, points, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    draws = np.random.RandomState(seed_of(seed))  # NumPy guarantees that this stream never changes
    X = np.concatenate([circle, inner * circle]) + noise * draws.standard_normal((2 * points, 2))
    return X, np.repeat(np.asarray([0, 1]), points)
