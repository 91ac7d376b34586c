"""Functions that a library may compute in fewer digits than its dtype has (MLX does, before its file mends it)."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

WIDE = np.concatenate((np.linspace(-700.0, 700.0, 2801), np.linspace(-1.0, 1.0, 401), [np.inf, -np.inf, np.nan]))
LONG = 300_007


@pytest.mark.parametrize("name", ["exp", "expm1", "tanh"])
def test_functions_of_any_number_are_exact_in_float64(backend, name):
    with np.errstate(over="ignore"):
        expected = getattr(np, name)(WIDE)
        found = backend.to_host(getattr(backend.xp, name)(backend.asarray(WIDE)))
    assert_allclose(found, expected, rtol=1e-13, atol=0.0)


@pytest.mark.parametrize("name", ["log", "log1p", "sqrt"])
def test_functions_of_positive_numbers_are_exact_in_float64(backend, name):
    x = np.geomspace(1e-300, 1e300, 500)
    found = backend.to_host(getattr(backend.xp, name)(backend.asarray(x)))
    assert_allclose(found, getattr(np, name)(x), rtol=1e-14, atol=0.0)


def test_logaddexp_is_exact_in_float64_infinities_included(backend):
    x = np.asarray([0.0, 3.0, -800.0, 1e-9, np.inf, -np.inf, np.inf, 5.0])
    y = np.asarray([0.0, -2.0, -801.5, -1e-9, np.inf, -np.inf, -np.inf, 5.0])
    found = backend.to_host(backend.xp.logaddexp(backend.asarray(x), backend.asarray(y)))
    assert_allclose(found, np.logaddexp(x, y), rtol=1e-14, atol=0.0)


SUMS = {
    "sum": lambda x, xp: xp.sum(x * x),
    "sum of two axes": lambda x, xp: xp.sum(xp.reshape(x * x, (7, -1))),
    "matmul": lambda x, xp: xp.matmul(x, x),
}


@pytest.mark.parametrize("total", SUMS.values(), ids=SUMS)
def test_long_sums_keep_the_digits_of_float32(backend32, total):
    """A running sum of so many equal numbers would lose them."""
    x = backend32.asarray(np.full(LONG - LONG % 7, 0.1, dtype=np.float32))
    assert float(total(x, backend32.xp)) == pytest.approx(0.01 * (LONG - LONG % 7), rel=3e-4)
