import numpy as np
from numpy.testing import assert_allclose

from portnn.ops import rbf, rbf_backward


def test_values_and_gradient_equal_the_formula(run, rng):
    x, dy = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    (y,), dx = run("rbf", [x], [dy])
    assert_allclose(y, np.exp(-(x**2)), rtol=1e-14)
    assert_allclose(dx, -2.0 * x * np.exp(-(x**2)) * dy, rtol=1e-13)


def test_far_from_the_centre_all_is_zero_without_a_warning(backend, place):
    y, cache = rbf(place([0.0, -40.0, 1e100]))
    assert backend.to_host(y).tolist() == [1.0, 0.0, 0.0]
    assert np.all(backend.to_host(rbf_backward(place([1.0, 1.0, 1.0]), cache)) == 0.0)


def test_float32_stays_float32(backend32):
    y, cache = rbf(backend32.asarray([-1.0, 0.5]))
    assert backend32.to_host(y).dtype == backend32.to_host(rbf_backward(y, cache)).dtype == np.float32


def test_gradient_agrees_with_central_differences(check_case):
    check_case("rbf")
