"""What an op does when `xp` is left out: the arrays decide, and they must agree."""

import numpy as np
import pytest

from portnn import ops
from portnn.backends import device
from portnn.ops import Weights


def test_xp_left_out_gives_the_same_as_xp_handed_in(backend, place, rng):
    x = place(rng.normal(size=(2, 3)))
    y, cache = ops.softmax(x)
    other, other_cache = ops.softmax(x, xp=backend.xp)
    assert np.array_equal(backend.to_host(y), backend.to_host(other))
    dx, other_dx = ops.softmax_backward(x, cache), ops.softmax_backward(x, other_cache, xp=backend.xp)
    assert np.array_equal(backend.to_host(dx), backend.to_host(other_dx))


def test_results_stay_on_the_device_of_the_arrays(backend, place, rng):
    y, cache = ops.linear(place(rng.normal(size=(2, 3))), place(rng.normal(size=(3, 4))), place(rng.normal(size=4)))
    for array in (y, *ops.linear_backward(y, cache)):
        assert backend.device is None or device(array) == backend.device


def test_arrays_of_two_libraries_are_refused(place, stranger):
    with pytest.raises(TypeError, match=r"^x belongs to \S+ but weight to \S+; all arrays must come from one library$"):
        ops.linear(place(np.ones((2, 3))), stranger, place(np.ones(3)))


def test_a_cache_of_another_library_is_refused(place, stranger):
    _, cache = ops.sigmoid(stranger)
    with pytest.raises(TypeError, match=r"^dy belongs to \S+ but cache\.y to \S+; all arrays"):
        ops.sigmoid_backward(place(np.ones((2, 3))), cache)


def test_weights_of_another_library_are_refused(place, stranger):
    weights = Weights(place(np.ones((3, 3))), stranger, place(np.ones(3)), place(np.ones(3)))
    with pytest.raises(TypeError, match=r"^x belongs to \S+ but weights\.weight_hh to \S+; all arrays"):
        ops.rnn(place(np.ones((2, 2, 3))), (place(np.ones((2, 3))),), weights)


def test_what_is_no_array_is_refused():
    with pytest.raises(TypeError, match=r"^no array was given$"):
        ops.sigmoid([0.0, 1.0])


@pytest.mark.host
def test_arrays_on_two_devices_are_refused():
    import array_api_strict as strict

    x = strict.ones((2, 3), dtype=strict.float64)
    mask = strict.ones((2, 3), dtype=strict.float64, device=strict.Device("device2"))
    with pytest.raises(ValueError, match=r"^x is on device .*CPU_DEVICE.* but mask on .*device2.*; all arrays must be"):
        ops.dropout(x, mask, rate=0.5)


def test_every_op_has_a_forward_a_backward_and_a_cache():
    forwards = {name.removesuffix("_backward") for name in ops.__all__ if name.endswith("_backward")}
    assert forwards == {name for name in ops.__all__ if name.islower() and not name.endswith("_backward")}
    caches = {name.removesuffix("Cache").lower() for name in ops.__all__ if name.endswith("Cache")}
    assert caches == {name.replace("_", "") for name in forwards}
