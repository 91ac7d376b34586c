import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import squared_error, squared_error_backward


@pytest.fixture
def arrays(rng):
    return rng.normal(size=(4, 3)), rng.normal(size=(4, 3))


def test_value_and_gradient_equal_the_formula(run, arrays):
    prediction, targets = arrays
    (loss,), dprediction = run("squared_error", arrays, [np.asarray(2.0)])
    assert_allclose(loss, sum(0.5 * np.sum((p - t) ** 2) for p, t in zip(prediction, targets, strict=True)) / 4)
    assert_allclose(dprediction, 2.0 * (prediction - targets) / 4, rtol=1e-13)


def test_weights_count_as_repeated_rows(run, arrays):
    repeated = [np.repeat(array, [2, 0, 1, 3], axis=0) for array in arrays]
    (loss,), dprediction = run("squared_error", (*arrays, np.asarray([2.0, 0.0, 1.0, 3.0])), [np.asarray(1.0)])
    (right,), drepeated = run("squared_error", repeated, [np.asarray(1.0)])
    assert_allclose(loss, right, rtol=1e-13)
    assert_allclose(dprediction[3], drepeated[3:].sum(axis=0), rtol=1e-13)
    assert np.all(dprediction[1] == 0.0)


def test_rows_that_do_not_count_may_hold_anything(run, arrays):
    prediction, targets = (array.copy() for array in arrays)
    prediction[0], targets[1] = np.inf, np.nan
    (loss,), dprediction = run(
        "squared_error", (prediction, targets, np.asarray([0.0, 0.0, 1.0, 1.0])), [np.asarray(1.0)]
    )
    (right,), _ = run("squared_error", (prediction[2:], targets[2:]), [np.asarray(1.0)])
    assert_allclose(loss, right, rtol=1e-13)
    assert np.all(dprediction[:2] == 0.0)


def test_where_nothing_counts_the_loss_is_zero(run, arrays):
    (loss,), dprediction = run("squared_error", (*arrays, np.zeros(4)), [np.asarray(1.0)])
    assert loss == 0.0
    assert np.all(dprediction == 0.0)


def test_shapes_that_do_not_fit(place):
    with pytest.raises(ValueError, match=r"squared_error: targets has shape \(4,\) but the prediction has \(4, 3\)"):
        squared_error(place(np.ones((4, 3))), place(np.ones(4)))
    with pytest.raises(ValueError, match=r"squared_error: weights has shape \(3,\) but the prediction expects \(4,\)"):
        squared_error(place(np.ones((4, 3))), place(np.ones((4, 3))), place(np.ones(3)))


def test_float32_stays_float32(backend32, arrays):
    loss, cache = squared_error(*map(backend32.asarray, arrays))
    assert backend32.to_host(loss).dtype == np.float32
    assert backend32.to_host(squared_error_backward(1.0, cache)).dtype == np.float32


@pytest.mark.parametrize("case", ["squared_error", "squared_error weighted"])
def test_gradient_agrees_with_central_differences(check_case, case):
    check_case(case)


@pytest.mark.torch_oracle
def test_value_and_gradient_equal_torch(backend, place, arrays):
    import torch

    theirs = torch.tensor(arrays[0], requires_grad=True)
    loss = torch.nn.functional.mse_loss(theirs, torch.tensor(arrays[1])) * (3 / 2)
    loss.backward()
    ours, cache = squared_error(*map(place, arrays))
    assert_allclose(backend.to_host(ours), loss.item(), rtol=1e-13)
    assert_allclose(backend.to_host(squared_error_backward(1.0, cache)), theirs.grad.numpy(), rtol=1e-13)
