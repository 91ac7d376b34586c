import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import Weights


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def draw(rng):
    return Weights(*(rng.normal(size=shape) for shape in ((4, 6), (2, 6), (6,), (6,))))


@pytest.mark.parametrize(("time", "batch"), [(5, 3), (1, 1)])
def test_states_equal_the_equations_step_by_step(run, rng, time, batch):
    x, h, weights = rng.normal(size=(time, batch, 4)), rng.normal(size=(batch, 2)), draw(rng)
    (y, (h_n,)), _ = run("gru", (x, (h,), weights), [np.zeros((time, batch, 2)), (np.zeros((batch, 2)),)])
    for t in range(time):
        a_r, a_z, a_n = np.split(x[t] @ weights.weight_ih + weights.bias_ih, 3, axis=1)
        b_r, b_z, b_n = np.split(h @ weights.weight_hh + weights.bias_hh, 3, axis=1)
        r, z = sigmoid(a_r + b_r), sigmoid(a_z + b_z)
        h = (1.0 - z) * np.tanh(a_n + r * b_n) + z * h
        assert_allclose(y[t], h, rtol=1e-12, atol=1e-14)
    assert_allclose(h_n, h, rtol=1e-12, atol=1e-14)


def test_an_open_update_gate_keeps_the_state(run, rng):
    """With z = 1 the state is carried through every step, and its gradient comes back whole."""
    h, weights, dh = rng.normal(size=(3, 2)), draw(rng), rng.normal(size=(3, 2))
    weights.bias_ih[2:4] = 1000.0
    (y, (h_n,)), gradients = run("gru", (rng.normal(size=(5, 3, 4)), (h,), weights), [np.zeros((5, 3, 2)), (dh,)])
    assert_allclose(y, np.broadcast_to(h, (5, 3, 2)), rtol=1e-13)
    assert_allclose(h_n, h, rtol=1e-13)
    assert_allclose(gradients.states[0], dh, rtol=1e-13)


def test_the_recurrent_bias_of_the_new_gate_is_scaled_by_the_reset_gate(run, rng):
    """With r = 0 it has no effect, unlike the input's bias, and no gradient."""
    x, h, weights = rng.normal(size=(5, 3, 4)), rng.normal(size=(3, 2)), draw(rng)
    weights.bias_ih[:2] = -1000.0
    moved = weights._replace(bias_hh=weights.bias_hh + np.asarray([0, 0, 0, 0, 5.0, 5.0]))
    dresults = [rng.normal(size=(5, 3, 2)), (rng.normal(size=(3, 2)),)]
    (y, _), gradients = run("gru", (x, (h,), weights), dresults)
    (other, _), _ = run("gru", (x, (h,), moved), dresults)
    assert np.array_equal(y, other)
    assert not gradients.weights.bias_hh[4:].any()
    assert gradients.weights.bias_ih[4:].all()
