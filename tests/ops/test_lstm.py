import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import tree_flatten
from portnn.ops import Weights


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def draw(rng):
    return Weights(*(rng.normal(size=shape) for shape in ((4, 8), (2, 8), (8,), (8,))))


@pytest.mark.parametrize(("time", "batch"), [(5, 3), (1, 1)])
def test_states_equal_the_equations_step_by_step(run, rng, time, batch):
    x, weights = rng.normal(size=(time, batch, 4)), draw(rng)
    h, c = rng.normal(size=(batch, 2)), rng.normal(size=(batch, 2))
    dresults = [np.zeros((time, batch, 2)), (np.zeros((batch, 2)), np.zeros((batch, 2)))]
    (y, (h_n, c_n)), _ = run("lstm", (x, (h, c), weights), dresults)
    for t in range(time):
        z = x[t] @ weights.weight_ih + weights.bias_ih + h @ weights.weight_hh + weights.bias_hh
        i, f, g, o = np.split(z, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        assert_allclose(y[t], h, rtol=1e-12, atol=1e-14)
    assert_allclose(h_n, h, rtol=1e-12, atol=1e-14)
    assert_allclose(c_n, c, rtol=1e-12, atol=1e-14)


def test_an_open_forget_gate_and_a_closed_input_gate_keep_the_cell(run, rng):
    """The cell is carried through every step, and its gradient comes back whole."""
    c, weights, dc = rng.normal(size=(3, 2)), draw(rng), rng.normal(size=(3, 2))
    weights.bias_ih[:2], weights.bias_ih[2:4] = -1000.0, 1000.0
    arguments = (rng.normal(size=(5, 3, 4)), (rng.normal(size=(3, 2)), c), weights)
    (_, (_, c_n)), gradients = run("lstm", arguments, [np.zeros((5, 3, 2)), (np.zeros((3, 2)), dc)])
    assert np.array_equal(c_n, c)
    dh0, dc0 = gradients.states
    assert np.array_equal(dc0, dc)
    assert not dh0.any()


def test_a_cell_of_a_thousand_does_not_overflow(run, rng):
    c = np.asarray([[1000.0, -1000.0]] * 3)
    arguments = (rng.normal(size=(5, 3, 4)), (rng.normal(size=(3, 2)), c), draw(rng))
    dresults = [rng.normal(size=(5, 3, 2)), (rng.normal(size=(3, 2)), rng.normal(size=(3, 2)))]
    for _, array in tree_flatten(run("lstm", arguments, dresults), ""):
        assert np.isfinite(array).all()


def test_both_biases_have_the_same_gradient(run, rng):
    arguments = (rng.normal(size=(5, 3, 4)), (rng.normal(size=(3, 2)), rng.normal(size=(3, 2))), draw(rng))
    dresults = [rng.normal(size=(5, 3, 2)), (rng.normal(size=(3, 2)), rng.normal(size=(3, 2)))]
    _, gradients = run("lstm", arguments, dresults)
    assert np.array_equal(gradients.weights.bias_ih, gradients.weights.bias_hh)
