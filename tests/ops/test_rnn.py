import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import Weights


@pytest.mark.parametrize(("time", "batch"), [(5, 3), (1, 1)])
def test_states_equal_the_equation_step_by_step(run, rng, time, batch):
    x, h = rng.normal(size=(time, batch, 4)), rng.normal(size=(batch, 2))
    weights = Weights(*(rng.normal(size=shape) for shape in ((4, 2), (2, 2), (2,), (2,))))
    (y, (h_n,)), _ = run("rnn", (x, (h,), weights), [np.zeros((time, batch, 2)), (np.zeros((batch, 2)),)])
    for t in range(time):
        h = np.tanh(x[t] @ weights.weight_ih + weights.bias_ih + h @ weights.weight_hh + weights.bias_hh)
        assert_allclose(y[t], h, rtol=1e-12, atol=1e-14)
    assert_allclose(h_n, h, rtol=1e-12, atol=1e-14)


def test_both_biases_have_the_same_gradient(run, rng):
    weights = Weights(*(rng.normal(size=shape) for shape in ((4, 2), (2, 2), (2,), (2,))))
    arguments = (rng.normal(size=(5, 3, 4)), (rng.normal(size=(3, 2)),), weights)
    _, gradients = run("rnn", arguments, [rng.normal(size=(5, 3, 2)), (rng.normal(size=(3, 2)),)])
    assert np.array_equal(gradients.weights.bias_ih, gradients.weights.bias_hh)
