import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import window_mean, window_mean_backward


@pytest.fixture
def drawn(rng):
    """Rows, windows, one of them empty, and the gradient of what comes out."""
    windows = (rng.random((2, 4, 6)) < 0.5).astype(np.float64)
    windows[1, 2] = 0.0
    return rng.normal(size=(2, 6, 3)), windows, rng.normal(size=(2, 4, 3))


@pytest.fixture
def of(backend):
    """Result and gradient on the host."""

    def of(rows, windows, dhidden, on=backend, **options):
        hidden, cache = window_mean(on.asarray(rows), on.asarray(windows), **options)
        return on.to_host(hidden), on.to_host(window_mean_backward(on.asarray(dhidden), cache))

    return of


def by_hand(rows, windows, dhidden, mean):
    hidden, drows = np.zeros_like(dhidden), np.zeros_like(rows)
    for b, block in enumerate(windows):
        for i, window in enumerate(block):
            inside = [j for j, w in enumerate(window) if w]
            for j in inside:
                share = 1.0 / len(inside) if mean else 1.0
                hidden[b, i] += share * rows[b, j]
                drows[b, j] += share * dhidden[b, i]
    return hidden, drows


@pytest.mark.parametrize("mean", [True, False])
def test_the_same_as_a_loop(of, drawn, mean):
    for ours, right in zip(of(*drawn, mean=mean), by_hand(*drawn, mean), strict=True):
        assert_allclose(ours, right, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("mean", [True, False])
def test_whole_steps_of_a_mean_are_those_of_a_sum(backend, drawn, mean):
    rows, windows, dhidden = map(backend.asarray, drawn)
    hidden, cache = window_mean(rows, windows, mean=mean)
    assert_allclose(backend.to_host(hidden), by_hand(*drawn, mean)[0], rtol=1e-12, atol=1e-14)
    drows = backend.to_host(window_mean_backward(dhidden, cache, whole=True))
    assert_allclose(drows, by_hand(*drawn, False)[1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("mean", [True, False])
def test_one_window(of, rng, mean):
    rows, dhidden = rng.normal(size=(1, 3, 2)), rng.normal(size=(1, 1, 2))
    windows = np.asarray([[[1.0, 0.0, 1.0]]])
    hidden, drows = of(rows, windows, dhidden, mean=mean)
    share = 0.5 if mean else 1.0
    assert_allclose(hidden[0, 0], share * (rows[0, 0] + rows[0, 2]), rtol=1e-13)
    assert_allclose(drows[0], share * np.stack([dhidden[0, 0], [0.0, 0.0], dhidden[0, 0]]), rtol=1e-13)


@pytest.mark.parametrize("mean", [True, False])
def test_an_empty_window_gives_zeros(of, drawn, mean):
    hidden, _ = of(*drawn, mean=mean)
    assert not hidden[1, 2].any()


@pytest.mark.parametrize("kind", ["", " sum"])
def test_gradient_agrees_with_central_differences(check_case, kind):
    check_case(f"window_mean{kind}")


def test_float32_stays_float32(of, drawn, backend32):
    assert [array.dtype for array in of(*drawn, on=backend32)] == [np.float32] * 2


def test_arguments_are_not_written_into(backend, place, drawn):
    placed = [place(array) for array in drawn]
    _, cache = window_mean(*placed[:2])
    window_mean_backward(placed[2], cache)
    for array, before in zip(placed, drawn, strict=True):
        assert np.array_equal(backend.to_host(array), before)


@pytest.mark.parametrize(
    ("rows", "windows", "message"),
    [
        ((6, 3), (2, 4, 6), "rows has shape (6, 3), expected 3 dimensions"),
        ((2, 6, 3), (4, 6), "windows has shape (4, 6), expected 3 dimensions"),
        ((2, 6, 3), (2, 4, 5), "windows has shape (2, 4, 5) but the rows expect (2, 4, 6)"),
        ((2, 6, 3), (1, 4, 6), "windows has shape (1, 4, 6) but the rows expect (2, 4, 6)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(place, rows, windows, message):
    with pytest.raises(ValueError, match=f"^{re.escape(f'window_mean: {message}')}$"):
        window_mean(place(np.ones(rows)), place(np.ones(windows)))
