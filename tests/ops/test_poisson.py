import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import poisson, poisson_backward


@pytest.fixture
def arrays(rng):
    return rng.normal(size=(4, 3)), rng.poisson(1.5, size=(4, 3)).astype(np.float64)


def test_value_and_gradient_equal_the_formula(run, arrays):
    z, t = arrays
    assert 0 < np.sum(t == 0.0) < t.size, "the case must have counts of zero and others"
    (loss,), dz = run("poisson", arrays, [np.asarray(2.0)])
    entropy = np.where(t > 0.0, t * np.log(np.maximum(t, 1.0)), 0.0)  # these are whole numbers
    assert_allclose(loss, np.sum(np.exp(z) - t * z + entropy - t) / 4, rtol=1e-13)
    assert_allclose(dz, 2.0 * (np.exp(z) - t) / 4, rtol=1e-13)


def test_the_right_rates_cost_nothing(run):
    targets = np.asarray([[1e-3, 0.5, 1.0, 7.0, 1e6]])
    (loss,), dz = run("poisson", (np.log(targets), targets), [np.asarray(1.0)])
    assert abs(loss) < 1e-9
    assert_allclose(dz, np.zeros((1, 5)), atol=1e-9)


def test_a_count_of_zero_costs_its_rate(run):
    (loss,), dz = run("poisson", (np.asarray([[-800.0], [2.0]]), np.zeros((2, 1))), [np.asarray(1.0)])
    assert_allclose(loss, np.exp(2.0) / 2, rtol=1e-13)
    assert_allclose(dz[:, 0], [0.0, np.exp(2.0) / 2], rtol=1e-13)


def test_weights_count_as_repeated_rows(run, arrays):
    repeated = [np.repeat(array, [2, 0, 1, 3], axis=0) for array in arrays]
    (loss,), dz = run("poisson", (*arrays, np.asarray([2.0, 0.0, 1.0, 3.0])), [np.asarray(1.0)])
    (right,), drepeated = run("poisson", repeated, [np.asarray(1.0)])
    assert_allclose(loss, right, rtol=1e-13)
    assert_allclose(dz[3], drepeated[3:].sum(axis=0), rtol=1e-13)
    assert np.all(dz[1] == 0.0)


def test_rows_that_do_not_count_may_hold_anything(run, arrays):
    z, targets = (array.copy() for array in arrays)
    z[0], targets[1] = np.inf, np.nan
    (loss,), dz = run("poisson", (z, targets, np.asarray([0.0, 0.0, 1.0, 1.0])), [np.asarray(1.0)])
    (right,), _ = run("poisson", (z[2:], targets[2:]), [np.asarray(1.0)])
    assert_allclose(loss, right, rtol=1e-13)
    assert np.all(dz[:2] == 0.0)


def test_where_nothing_counts_the_loss_is_zero(run, arrays):
    (loss,), dz = run("poisson", (*arrays, np.zeros(4)), [np.asarray(1.0)])
    assert loss == 0.0
    assert np.all(dz == 0.0)


def test_shapes_that_do_not_fit(place):
    with pytest.raises(ValueError, match=r"poisson: targets has shape \(4,\) but the log-rates have \(4, 3\)"):
        poisson(place(np.ones((4, 3))), place(np.ones(4)))
    with pytest.raises(ValueError, match=r"poisson: weights has shape \(3,\) but the log-rates expect \(4,\)"):
        poisson(place(np.ones((4, 3))), place(np.ones((4, 3))), place(np.ones(3)))


def test_float32_stays_float32(backend32, arrays):
    loss, cache = poisson(*map(backend32.asarray, arrays))
    assert backend32.to_host(loss).dtype == np.float32
    assert backend32.to_host(poisson_backward(1.0, cache)).dtype == np.float32


@pytest.mark.parametrize("case", ["poisson", "poisson weighted"])
def test_gradient_agrees_with_central_differences(check_case, case):
    check_case(case)


@pytest.mark.torch_oracle
def test_value_and_gradient_equal_torch(backend, place, arrays):
    import torch

    z, targets = torch.tensor(arrays[0], requires_grad=True), torch.tensor(arrays[1])
    at_best = torch.xlogy(targets, targets) - targets
    loss = (torch.nn.functional.poisson_nll_loss(z, targets, reduction="sum") + torch.sum(at_best)) / 4
    loss.backward()
    ours, cache = poisson(*map(place, arrays))
    assert_allclose(backend.to_host(ours), loss.item(), rtol=1e-13)
    assert_allclose(backend.to_host(poisson_backward(1.0, cache)), z.grad.numpy(), rtol=1e-13)
