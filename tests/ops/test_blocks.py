"""Recurrent ops on products in blocks, which this processor may not use by itself."""

import importlib

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn import ops

pytestmark = pytest.mark.host

module = importlib.import_module("portnn.backends.libraries.numpy")
TIME, BATCH = 3, 9


def run(cell, hidden, rng, dtype=np.float64):
    """Outputs and gradients of a cell; the states' dtype is `dtype`."""
    _, forward, backward, _, gates, names, _ = ops.CELLS[cell]
    wide = len(gates) * hidden
    weights = ops.Weights(*(rng.normal(size=shape) / 8 for shape in ((5, wide), (hidden, wide), (wide,), (wide,))))
    states = tuple(rng.normal(size=(BATCH, hidden)).astype(dtype) for _ in names)
    y, finals, cache = forward(rng.integers(0, 5, (TIME, BATCH)), states, weights)
    gradients = backward(rng.normal(size=y.shape), tuple(0.5 * state for state in states), cache)
    return [y, *finals, *gradients.states, *gradients.weights]


@pytest.mark.parametrize("cell", ops.CELLS)
@pytest.mark.parametrize("hidden", [37, 64, 256])
def test_blocks_change_nothing(monkeypatch, cell, hidden):
    whole, blocks = [], []
    for results, small in ((whole, False), (blocks, True)):
        monkeypatch.setattr(module, "_small_kernels", lambda small=small: small)
        monkeypatch.setattr(module, "SMALL", 9 * 64 * 64)
        results += run(cell, hidden, np.random.default_rng(hidden))
    for one, other in zip(whole, blocks, strict=True):
        assert_allclose(other, one, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("cell", ops.CELLS)
def test_wider_weights_than_states_widen_the_results(monkeypatch, cell):
    monkeypatch.setattr(module, "_small_kernels", lambda: True)
    for array in run(cell, 64, np.random.default_rng(0), np.float32):
        assert array.dtype == np.float64
