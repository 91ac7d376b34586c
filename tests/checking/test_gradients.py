"""`check_gradients` lets right gradients pass and finds wrong ones."""

from fractions import Fraction

import numpy as np
import pytest

import portnn
from portnn.checking import GradientError, check_gradients

A = np.asarray([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1], [2.0, 0.1, 0.9]])
B = np.asarray([[0.2, 1.0, -0.4], [1.5, -0.6, 0.8], [-1.2, 0.5, 0.3]])


def product(arrays, *, xp):
    """Half the squared norm of A times B."""
    a, b = arrays["a"], arrays["b"]
    c = xp.matmul(a, b)
    return 0.5 * xp.sum(c * c), {"a": xp.matmul(c, b.T), "b": xp.matmul(a.T, c)}


def planted(fault):
    """The same with a fault in the gradient of `b`."""

    def wrong(arrays, *, xp):
        loss, gradients = product(arrays, xp=xp)
        return loss, {**gradients, "b": fault(gradients["b"])}

    return wrong


def with_entry(where, value):
    def fault(gradient):
        gradient = np.array(gradient)
        gradient[where] = value(gradient[where])
        return gradient

    return fault


def test_right_gradients_pass_and_the_worst_of_each_array_is_told(backend):
    found = check_gradients(product, {"a": A, "b": B}, on=backend)
    assert [comparison.name for comparison in found] == ["a", "b"]
    for comparison in found:
        assert 0.0 <= comparison.error < 1e-7
        assert len(comparison.where) == 2
        assert comparison.analytic == pytest.approx(comparison.numeric, rel=1e-6)


def test_a_wrong_gradient_fails(backend):
    with pytest.raises(GradientError, match=r"^gradient of b\[\d, \d\] on .*; wrong in all: b$"):
        check_gradients(planted(lambda gradient: gradient * 1.001), {"a": A, "b": B}, on=backend)


@pytest.mark.host
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda g: -g, id="sign"),
        pytest.param(lambda g: g * 1.001, id="factor a little above one"),
        pytest.param(lambda g: g * 0.999, id="factor a little below one"),
        pytest.param(lambda g: g.T, id="transposed"),
        pytest.param(lambda g: g * 0.0, id="zero"),
        pytest.param(lambda g: g + 1e-4, id="small shift"),
        pytest.param(lambda g: g * np.nan, id="nan everywhere"),
        pytest.param(lambda g: g + np.inf, id="infinity"),
        pytest.param(with_entry((0, 0), lambda v: np.nan), id="nan in the first entry"),
        pytest.param(with_entry((1, 1), lambda v: np.nan), id="nan in the middle"),
        pytest.param(with_entry((2, 2), lambda v: np.nan), id="nan in the last entry"),
        pytest.param(with_entry((0, 0), lambda v: np.inf), id="infinity in the first entry"),
        pytest.param(with_entry((0, 1), lambda v: v * 1.001), id="one entry"),
        pytest.param(lambda g: g[::-1], id="reversed"),
    ],
)
@pytest.mark.parametrize("directions", [None, 3])
def test_planted_faults_are_found(fault, directions):
    with pytest.raises(GradientError, match="relative error"):
        check_gradients(planted(fault), {"a": A, "b": B}, directions=directions, tolerance=1e-6)


@pytest.mark.host
def test_the_message_names_entry_backend_both_values_and_all_that_is_wrong():
    def wrong(arrays, *, xp):
        x, y = arrays["x"], arrays["y"]
        return xp.sum(x * x) + xp.sum(y), {"x": 2.0 * x + with_entry((1,), lambda v: 1.0)(x * 0.0), "y": x * 0.0}

    message = (
        r"^gradient of y\[[01]\] on numpy \(cpu, float64\): by hand 0, "
        r"by central differences (1|1\.0+\d+|0\.9999+\d*), relative error 1 > 1e-05; wrong in all: x, y$"
    )
    with pytest.raises(GradientError, match=message):
        check_gradients(wrong, {"x": np.asarray([1.0, 3.0]), "y": np.ones(2)})
    assert issubclass(GradientError, AssertionError)


@pytest.mark.host
def test_a_loss_that_is_not_finite_fails():
    def bad(arrays, *, xp):
        return xp.sum(arrays["x"]) * xp.nan, {"x": xp.ones_like(arrays["x"])}

    with pytest.raises(GradientError, match=r"by central differences nan, relative error inf > 1e-05"):
        check_gradients(bad, {"x": np.ones(3)})


@pytest.mark.host
def test_a_gradient_at_a_kink_fails():
    def rectifier(arrays, *, xp):
        x = arrays["x"]
        return xp.sum(xp.maximum(x, xp.zeros_like(x))), {"x": xp.astype(x > 0.0, x.dtype)}

    check_gradients(rectifier, {"x": np.asarray([-0.5, 0.5])})
    with pytest.raises(GradientError, match=r"gradient of x\[1\]"):
        check_gradients(rectifier, {"x": np.asarray([0.5, 0.0])})


def test_arrays_without_a_gradient_are_constants(backend):
    def weighted(arrays, *, xp):
        rows = xp.take(arrays["table"], arrays["ids"], axis=0)
        return xp.sum(rows * arrays["mask"]), {"mask": rows}

    arrays = {"table": np.asarray([1.0, 2.0, 3.0]), "ids": np.asarray([2, 0]), "mask": np.asarray([0.5, 1.5])}
    assert [comparison.name for comparison in check_gradients(weighted, arrays, on=backend)] == ["mask"]


@pytest.mark.host
@pytest.mark.parametrize("directions", [None, 2])
def test_constants_are_never_moved_and_nothing_given_is_written_into(directions):
    seen = []

    def watched(arrays, *, xp):
        seen.append(arrays["constant"].copy())
        assert not arrays["x"].flags.writeable
        return xp.sum(arrays["x"] * arrays["constant"]), {"x": arrays["constant"]}

    x, constant = np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0])
    check_gradients(watched, {"x": x, "constant": constant}, directions=directions)
    assert len(seen) == 5
    assert all(np.array_equal(its, [3.0, 4.0]) for its in seen)
    assert x.tolist() == [1.0, 2.0]


def many(factor):
    def function(arrays, *, xp):
        x = arrays["x"]
        return xp.sum(x * x * x), {"x": 3.0 * factor * x * x}

    return function


@pytest.mark.host
@pytest.mark.parametrize(("size", "names"), [(2000, ["x"]), (2001, [f"direction {k}" for k in range(3)])])
def test_large_arrays_are_checked_along_random_directions(rng, size, names):
    arrays = {"x": rng.uniform(0.5, 1.0, size)}
    assert [comparison.name for comparison in check_gradients(many(1.0), arrays)] == names
    with pytest.raises(GradientError, match=rf"^gradient of {names[0][0]}"):
        check_gradients(many(1.001), arrays)


@pytest.mark.host
def test_directions_can_be_asked_for_and_depend_on_the_seed(rng):
    arrays = {"x": rng.normal(size=5)}
    one, again, other = (check_gradients(many(1.0), arrays, directions=4, seed=seed) for seed in (1, 1, 2))
    assert [c.name for c in one] == [f"direction {k}" for k in range(4)]
    assert all(c.where == () for c in one)
    assert one == again
    assert one[0].analytic != other[0].analytic
    with pytest.raises(GradientError, match=r"^gradient of direction \d on numpy"):
        check_gradients(many(-1.0), arrays, directions=1)


@pytest.mark.host
def test_small_gradients_are_compared_absolutely():
    """Below the floor the error is divided by the floor, so that rounding is no fault."""

    def flat(arrays, *, xp):
        return xp.sum(arrays["x"] * 0.0) + 1.0, {"x": arrays["x"] * 0.0 + 1e-10}

    (comparison,) = check_gradients(flat, {"x": np.ones(2)})
    assert comparison.error == pytest.approx(1e-6, rel=1e-9)
    with pytest.raises(GradientError):
        check_gradients(flat, {"x": np.ones(2)}, floor=1e-8)


@pytest.mark.host
def test_float32_arrays_are_checked_in_float64_too():
    assert check_gradients(product, {"a": A.astype(np.float32), "b": B})[0].error < 1e-7


@pytest.mark.host
def test_a_backend_of_float32_is_refused():
    message = r"^gradients are checked in float64, but the backend is numpy \(cpu, float32\)$"
    with pytest.raises(ValueError, match=message):
        check_gradients(product, {"a": A, "b": B}, on=portnn.backend("numpy"))


@pytest.mark.host
@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        ({}, r"^the function gives no gradient, so there is nothing to check$"),
        ({"y": np.ones(2)}, r"^gradient y has shape \(2,\), but the arrays have None$"),
        ({"x": np.ones((2, 1))}, r"^gradient x has shape \(2, 1\), but the arrays have \(2,\)$"),
        ({"ids": np.ones(2)}, r"^there is a gradient of ids, but its dtype is int64$"),
        ({"empty": np.ones(0)}, r"^empty is empty, so there is nothing to check$"),
    ],
)
def test_gradients_that_cannot_be_checked_are_errors(gradients, message):
    arrays = {"x": np.ones(2), "ids": np.asarray([1, 2]), "empty": np.ones(0)}
    with pytest.raises(ValueError, match=message):
        check_gradients(lambda arrays, *, xp: (xp.sum(arrays["x"]), gradients), arrays)


@pytest.mark.host
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.array, Fraction])
def test_numbers_and_arrays_of_any_kind(kind):
    def square(arrays, *, xp):
        x = arrays["x"]
        return xp.sum(x * x), {"x": 2.0 * x}

    x = np.asarray([1.0, -2.0, 3.0])
    options = {"step": 2.0**-16, "tolerance": 0.125, "floor": 0.5}
    plain = portnn.check_gradients(square, {"x": x}, **options, directions=2, seed=3)
    others = {name: kind(value) for name, value in options.items()}
    for array in (x.astype(">f8"), x.astype("g"), x[::-1].copy()[::-1]):
        found = portnn.check_gradients(square, {"x": array}, **others, directions=np.int64(2), seed=np.int64(3))
        assert found == plain
    portnn.check_gradients(square, {"x": x}, directions=2, seed=None)
    assert portnn.check_parity(square, {"x": x.astype(">f8")}, [portnn.backend("numpy")], tolerance=kind(0.125))
