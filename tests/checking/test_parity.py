"""Parity checks let what agrees pass and find planted differences."""

import types

import numpy as np
import pytest

import portnn
from portnn.backends import Backend
from portnn.checking import ParityError, check_losses, check_parity, relative


def square(arrays, *, xp):
    x = arrays["x"]
    return xp.sum(x * x), {"x": 2.0 * x, "y": xp.ones_like(arrays["y"])}


ARRAYS = {"x": np.asarray([1.0, -2.0, 3.0]), "y": np.ones((2, 2))}


@pytest.fixture
def here():
    return portnn.backend("numpy", dtype="float64")


@pytest.fixture
def odd(here):
    """Library that is NumPy, but for its sums."""

    def make(factor, dtype="float64"):
        changed = {**vars(here.xp), "sum": lambda *args, **options: here.xp.sum(*args, **options) * factor}
        return Backend("odd", types.SimpleNamespace(**changed), None, dtype)

    return make


def test_what_agrees_passes(backend):
    (difference,) = check_parity(square, ARRAYS, [backend])
    assert difference.backend == str(backend)
    assert difference.error < 1e-15


@pytest.mark.host
def test_numpy_agrees_with_itself_exactly_in_both_dtypes(here):
    narrow = portnn.backend("numpy", dtype="float32")
    found = check_parity(square, ARRAYS, [here, narrow])
    assert [(difference.backend, difference.error) for difference in found] == [(str(here), 0.0), (str(narrow), 0.0)]


@pytest.mark.host
@pytest.mark.parametrize(("factor", "dtype"), [(1.0 + 1e-8, "float64"), (1.001, "float32"), (float("nan"), "float64")])
def test_a_planted_difference_of_the_loss_is_found(odd, factor, dtype):
    with pytest.raises(ParityError, match=rf"^odd \(cpu, {dtype}\) differs from NumPy in the loss by \S+ > "):
        check_parity(square, ARRAYS, [odd(factor, dtype)])


@pytest.mark.host
@pytest.mark.parametrize(("factor", "dtype"), [(1.0 + 1e-11, "float64"), (1.00001, "float32")])
def test_differences_of_rounding_pass(odd, factor, dtype):
    check_parity(square, ARRAYS, [odd(factor, dtype)])


@pytest.mark.host
@pytest.mark.parametrize("spoilt", [1e-8, np.nan])
def test_a_planted_difference_of_a_gradient_is_found_and_named(here, odd, spoilt):
    def uneven(arrays, *, xp):
        loss, gradients = square(arrays, xp=xp)
        if xp is not here.xp:
            gradients["y"] = gradients["y"] + np.asarray([[0.0, 0.0], [spoilt, 0.0]])
        return loss, gradients

    message = r"^odd \(cpu, float64\) differs from NumPy in the gradient of y by \S+ > 1e-09$"
    with pytest.raises(ParityError, match=message):
        check_parity(uneven, ARRAYS, [here, odd(1.0)])


@pytest.mark.host
def test_gradients_of_other_names_are_an_error(here, odd):
    def uneven(arrays, *, xp):
        loss, gradients = square(arrays, xp=xp)
        return loss, gradients if xp is here.xp else {"x": gradients["x"]}

    with pytest.raises(ParityError, match=r"^odd \(cpu, float64\) gives gradients of \['x'\], NumPy of \['x', 'y'\]$"):
        check_parity(uneven, ARRAYS, [odd(1.0)])


@pytest.mark.host
def test_a_tolerance_may_be_given_zero_included(here, odd):
    check_parity(square, ARRAYS, [odd(1.01)], tolerance=0.1)
    check_parity(square, ARRAYS, [here], tolerance=0.0)
    with pytest.raises(ParityError, match=r" > 0$"):
        check_parity(square, ARRAYS, [odd(1.0 + 1e-12)], tolerance=0.0)


@pytest.mark.host
def test_losses_that_agree_pass_and_the_worst_step_is_told(here):
    worst = check_losses([3.0, 2.0 + 1e-10, 1.0], [3.0, 2.0, 1.0], here)
    assert (worst.backend, worst.name) == (str(here), "loss at step 2")
    assert worst.error == pytest.approx(5e-11, rel=1e-3)


@pytest.mark.host
@pytest.mark.parametrize("spoilt", [1.0 + 1e-8, float("nan")])
def test_losses_that_part_are_an_error_that_names_the_step(here, spoilt):
    message = r"^numpy \(cpu, float64\) differs from NumPy in the loss at step 3 by \S+ > 1e-09$"
    with pytest.raises(ParityError, match=message):
        check_losses([3.0, 2.0, spoilt], [3.0, 2.0, 1.0], here)


@pytest.mark.host
def test_runs_of_different_lengths_are_no_parity(here):
    with pytest.raises(ValueError, match="zip"):
        check_losses([3.0, 2.0], [3.0, 2.0, 1.0], here)


@pytest.mark.host
def test_differences_are_relative_to_the_largest_entry():
    assert relative([100.0, 1.5], [100.0, 1.0]) == pytest.approx(0.005)
    assert relative([0.0, 0.0], [0.0, 0.0]) == 0.0
    assert np.isnan(relative([1.0], [1.0, 1.0]))
    for value, right in ((np.nan, 1.0), (1.0, np.nan), (np.inf, np.inf), (1.0, np.inf)):
        assert np.isnan(relative([value], [right]))
    assert relative(np.zeros((0, 3)), np.zeros((0, 3))) == 0.0
