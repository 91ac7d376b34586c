import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import keep_mask
from portnn.ops import dropout, dropout_backward


def test_kept_units_are_scaled_and_dropped_ones_are_zero(backend, place):
    y, _ = dropout(place([[1.0, 2.0], [3.0, 4.0]]), place([[1.0, 0.0], [0.0, 1.0]]), rate=0.75)
    assert backend.to_host(y).tolist() == [[4.0, 0.0], [0.0, 16.0]]


def test_gradient_takes_the_same_way_as_the_units(backend, place, rng):
    x, dy, mask = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), keep_mask(rng, (3, 4), 0.5)
    _, cache = dropout(place(x), place(mask), rate=0.5)
    assert_allclose(backend.to_host(dropout_backward(place(dy), cache)), dy * mask * 2.0, rtol=1e-14)


def test_rate_zero_changes_nothing(backend, place, rng):
    x = rng.normal(size=(3, 4))
    y, cache = dropout(place(x), place(keep_mask(rng, (3, 4), 0.0)), rate=0.0)
    assert np.array_equal(backend.to_host(y), x)
    assert np.array_equal(backend.to_host(dropout_backward(y, cache)), x)


@pytest.mark.host
def test_the_expectation_stays(rng):
    y, _ = dropout(np.ones((400, 500)), keep_mask(rng, (400, 500), 0.3).astype(np.float64), rate=0.3)
    assert abs(y.mean() - 1.0) < 0.01
    assert abs((y == 0.0).mean() - 0.3) < 0.01


def test_gradient_agrees_with_central_differences(check_case):
    check_case("dropout")


def test_float32_stays_float32(backend32):
    x = backend32.asarray(np.ones((2, 3)))
    y, cache = dropout(x, backend32.asarray(np.ones((2, 3), dtype=np.float32)), rate=0.1)
    assert {backend32.to_host(array).dtype.name for array in (y, dropout_backward(y, cache))} == {"float32"}


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_a_rate_out_of_range_is_refused(place, rate):
    x = place(np.ones((2, 3)))
    with pytest.raises(ValueError, match=rf"^dropout: rate must be in \[0, 1\), got {rate}$"):
        dropout(x, x, rate=rate)


def test_a_mask_of_another_shape_is_refused(place):
    message = r"^dropout: mask has shape \(3,\) but x expects \(2, 3\)$"
    with pytest.raises(ValueError, match=message):
        dropout(place(np.ones((2, 3))), place(np.ones(3)), rate=0.5)
