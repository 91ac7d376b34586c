"""Synthetic data: number and position of the points, and the same points for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from portnn.datasets import rings, spiral

pytestmark = pytest.mark.host


def test_spiral_is_the_one_of_the_course_notes() -> None:
    draws = np.random.RandomState(0)
    expected = np.zeros((300, 2))
    for arm in range(3):
        for point, noise in enumerate(draws.standard_normal(100)):
            radius, angle = point / 99, 4.0 * arm + 4.0 * point / 99 + 0.2 * noise
            expected[100 * arm + point] = radius * np.sin(angle), radius * np.cos(angle)
    X, y = spiral()
    np.testing.assert_allclose(X, expected, rtol=0, atol=1e-14)
    assert X.dtype == np.float64
    assert y.tolist() == [0] * 100 + [1] * 100 + [2] * 100


def test_spiral_radius_grows_along_each_arm() -> None:
    X, y = spiral(points=20, arms=5, noise=0.5, seed=3)
    for arm in range(5):
        np.testing.assert_allclose(np.hypot(*X[y == arm].T), np.linspace(0.0, 1.0, 20), atol=1e-15)


def test_rings_have_their_radii() -> None:
    X, y = rings(points=40, inner=0.25, noise=0.0)
    np.testing.assert_allclose(np.hypot(*X.T), np.where(y == 1, 0.25, 1.0))
    assert X.shape == (80, 2)
    assert np.count_nonzero(y) == 40
    assert len(np.unique(X.round(9), axis=0)) == 80  # no two points coincide


def test_noise_of_rings_has_its_size() -> None:
    noise = rings(points=5000, noise=0.3, seed=1)[0] - rings(points=5000, noise=0.0)[0]
    assert noise.std() == pytest.approx(0.3, rel=0.02)
    assert abs(noise.mean()) < 0.01


@pytest.mark.parametrize("make", [rings, spiral])
def test_the_seed_decides(make) -> None:
    np.testing.assert_array_equal(make(seed=4)[0], make(seed=4)[0])
    assert np.any(make(seed=4)[0] != make(seed=5)[0])


@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (spiral, {"points": 0}, "points"),
        (spiral, {"arms": 0}, "arms"),
        (spiral, {"noise": -0.1}, "noise"),
        (spiral, {"seed": -1}, "seed"),
        (rings, {"points": 0}, "points"),
        (rings, {"inner": 1.0}, "inner"),
        (rings, {"inner": -0.1}, "inner"),
        (rings, {"noise": -0.1}, "noise"),
        (rings, {"seed": -1}, "seed"),
    ],
)
def test_options_out_of_range_are_named(make, options, named) -> None:
    with pytest.raises(ValueError, match=named):
        make(**options)
