"""Poolings over time: by hand, with and without padding."""

import re

import numpy as np
import pytest

from portnn.ops import POOLINGS

Y = np.asarray(
    [
        [[1.0, -2.0], [4.0, 0.5]],
        [[3.0, -1.0], [-6.0, 0.5]],
        [[3.0, -7.0], [8.0, 0.25]],
        [[-5.0, -1.0], [9.0, 2.0]],
    ]
)
"""Outputs of four steps, two sequences and two features; both features of the first have their maximum twice."""

LAST = np.asarray([[0.25, 0.5], [0.75, 1.0]])
DPOOLED = np.asarray([[2.0, 3.0], [5.0, 7.0]])
LENGTHS = np.asarray([4, 2])

each = pytest.mark.parametrize("name", POOLINGS)


@pytest.fixture
def pool(backend):
    """Pooled outputs, and the gradients of y and of the last outputs, on the host."""

    def pool(name, y=Y, last=LAST, lengths=None, dpooled=DPOOLED, on=backend):
        placed = None if lengths is None else on.asarray(np.asarray(lengths))
        pooled, cache = POOLINGS[name].forward(on.asarray(y), on.asarray(last), placed)
        gradients = POOLINGS[name].backward(on.asarray(dpooled), cache)
        return on.to_host(pooled), *(None if array is None else on.to_host(array) for array in gradients)

    return pool


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_the_last_state_is_what_the_network_ended_with(pool, lengths):
    pooled, dy, dlast = pool("last", lengths=lengths)
    assert pooled.tolist() == LAST.tolist()
    assert dy is None
    assert dlast.tolist() == DPOOLED.tolist()


def test_the_mean_of_all_steps(pool):
    pooled, dy, dlast = pool("mean")
    assert pooled.tolist() == [[0.5, -2.75], [3.75, 0.8125]]
    assert dy.tolist() == [[[0.5, 0.75], [1.25, 1.75]]] * 4
    assert dlast is None


def test_the_mean_is_over_valid_steps_alone(pool):
    valid = np.where(np.arange(4)[:, None, None] < LENGTHS[:, None], Y, 0.0)
    pooled, dy, _ = pool("mean", valid, lengths=LENGTHS)
    assert pooled.tolist() == [[0.5, -2.75], [-1.0, 0.5]]
    assert dy.tolist() == [[[0.5, 0.75], [2.5, 3.5]]] * 2 + [[[0.5, 0.75], [0.0, 0.0]]] * 2


def test_the_largest_of_all_steps_and_of_equal_ones_the_first(pool):
    pooled, dy, dlast = pool("max")
    assert pooled.tolist() == [[3.0, -1.0], [9.0, 2.0]]
    assert dy.tolist() == [[[0, 0], [0, 0]], [[2, 3], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [5, 7]]]
    assert dlast is None


def test_the_largest_is_looked_for_at_valid_steps_alone(pool):
    """Padding does not count, be it larger than every output, or 0 where all of them are negative."""
    pooled, dy, _ = pool("max", lengths=LENGTHS)
    assert pooled.tolist() == [[3.0, -1.0], [4.0, 0.5]]
    assert dy.tolist() == [[[0, 0], [5, 7]], [[2, 3], [0, 0]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]
    padded = np.where(np.arange(4)[:, None, None] < LENGTHS[:, None], -1.0 - np.abs(Y), 0.0)
    assert pool("max", padded, lengths=LENGTHS)[0].tolist() == [[-2.0, -2.0], [-5.0, -1.5]]


@each
def test_one_step_is_itself(pool, name):
    pooled, *_ = pool(name, Y[:1], Y[0], np.asarray([1, 1]))
    assert pooled.tolist() == Y[0].tolist()


@each
def test_full_lengths_are_as_none(pool, name):
    for ours, theirs in zip(pool(name, lengths=[4, 4]), pool(name), strict=True):
        assert (ours is None and theirs is None) or ours.tolist() == theirs.tolist()


@each
@pytest.mark.parametrize("kind", ["", " with lengths"])
def test_gradient_agrees_with_central_differences(check_case, name, kind):
    check_case(f"{POOLINGS[name].forward.__name__}{kind}")


@each
def test_float32_stays_float32(pool, backend32, name):
    for lengths in (None, LENGTHS):
        for array in pool(name, lengths=lengths, on=backend32):
            assert array is None or array.dtype == np.float32


@each
def test_arguments_are_not_written_into(backend, place, name):
    placed = [place(array) for array in (Y, LAST, LENGTHS, DPOOLED)]
    _, cache = POOLINGS[name].forward(*placed[:3])
    POOLINGS[name].backward(placed[3], cache)
    for array, before in zip(placed, (Y, LAST, LENGTHS, DPOOLED), strict=True):
        assert np.array_equal(backend.to_host(array), before)


@each
@pytest.mark.parametrize(
    ("y", "last", "lengths", "message"),
    [
        ((4, 2), (2, 2), None, "y has shape (4, 2), expected 3 dimensions"),
        ((4, 2, 3), (2, 2), None, "last has shape (2, 2) but y expects (2, 3)"),
        ((4, 2, 3), (2, 3), (3,), "lengths has shape (3,) but y expects (2,)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(place, name, y, last, lengths, message):
    operation = POOLINGS[name].forward
    with pytest.raises(ValueError, match=f"^{re.escape(f'{operation.__name__}: {message}')}$"):
        operation(place(np.ones(y)), place(np.ones(last)), lengths and place(np.ones(lengths, np.int64)))
