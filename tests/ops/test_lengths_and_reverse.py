"""Rows of different lengths, and time that runs backwards, in all recurrent cells."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import tree_flatten, tree_map
from portnn.ops import CELLS, Weights

TIME, N_IN, HIDDEN = 5, 4, 2
LENGTHS = np.asarray([3, 5, 0, 1])
BATCH = len(LENGTHS)
PADDING = np.arange(TIME)[:, np.newaxis] >= LENGTHS

pytestmark = pytest.mark.parametrize("cell", CELLS)
each_direction = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])


@pytest.fixture
def drawn(rng, cell):
    """Arguments of a recurrent op, and gradients of its results."""
    wide = len(CELLS[cell].gates) * HIDDEN
    weights = Weights(*(rng.normal(size=shape) for shape in ((N_IN, wide), (HIDDEN, wide), (wide,), (wide,))))
    states, dstates = (tuple(rng.normal(size=(BATCH, HIDDEN)) for _ in CELLS[cell].states) for _ in range(2))
    x, dy = rng.normal(size=(TIME, BATCH, N_IN)), rng.normal(size=(TIME, BATCH, HIDDEN))
    return (x, states, weights), (dy, dstates)


@pytest.fixture
def padded(run, cell):
    """Run the op with lengths."""
    return lambda arguments, dresults, lengths=LENGTHS, **options: run(
        cell, arguments, dresults, {"lengths": np.asarray(lengths)}, **options
    )


def assert_same(ours, theirs):
    pairs = zip(tree_flatten(ours, "result"), tree_flatten(theirs, "result"), strict=True)
    for (name, one), (_, other) in pairs:
        assert np.array_equal(one, other), name


@pytest.mark.host
@each_direction
def test_each_row_is_as_it_is_alone(run, padded, drawn, cell, reverse):
    (x, states, weights), (dy, dstates) = drawn
    (y, finals), gradients = padded(*drawn, reverse=reverse)
    total = tree_map(np.zeros_like, weights)
    for row in range(BATCH):
        here, steps = slice(row, row + 1), LENGTHS[row]
        its_states, its_dstates = (tree_map(lambda state, here=here: state[here], s) for s in (states, dstates))
        if steps == 0:
            right_y, right_dx, right_finals, right_dstates = y[:0, here], x[:0, here], its_states, its_dstates
        else:
            arguments, dresults = (x[:steps, here], its_states, weights), (dy[:steps, here], its_dstates)
            (right_y, right_finals), (right_dx, right_dstates, of_weights) = run(
                cell, arguments, dresults, reverse=reverse
            )
            total = tree_map(np.add, total, of_weights)
        assert_allclose(y[:steps, here], right_y, rtol=1e-12, atol=1e-12)
        assert_allclose(gradients.x[:steps, here], right_dx, rtol=1e-12, atol=1e-12)
        for ours, right in zip((*finals, *gradients.states), (*right_finals, *right_dstates), strict=True):
            assert_allclose(ours[here], right, rtol=1e-12, atol=1e-12)
    for name, ours, right in zip(Weights._fields, gradients.weights, total, strict=True):
        assert_allclose(ours, right, rtol=1e-12, atol=1e-12, err_msg=name)


@each_direction
def test_padding_is_zero_and_has_no_gradient(padded, drawn, cell, reverse):
    (y, _), gradients = padded(*drawn, reverse=reverse)
    assert not y[PADDING].any()
    assert not gradients.x[PADDING].any()
    assert y[~PADDING].all()
    assert gradients.x[~PADDING].all()


@each_direction
def test_a_row_without_steps_keeps_its_states(padded, drawn, cell, reverse):
    (_, states, _), (_, dstates) = drawn
    (_, finals), gradients = padded(*drawn, reverse=reverse)
    for ours, right in zip((*finals, *gradients.states), (*states, *dstates), strict=True):
        assert np.array_equal(ours[2], right[2])


def test_rows_without_steps_alone_give_the_weights_no_gradient(padded, drawn, cell):
    (y, finals), gradients = padded(*drawn, lengths=np.zeros(BATCH, int))
    assert_same((finals, gradients.states), (drawn[0][1], drawn[1][1]))
    for name, array in tree_flatten((y, gradients.x, gradients.weights), "result"):
        assert not array.any(), name


@each_direction
@pytest.mark.parametrize("rubbish", [np.nan, np.inf])
def test_padding_may_hold_anything(padded, drawn, cell, reverse, rubbish):
    """In x, and in the gradient of y as well."""
    (x, *rest), (dy, dstates) = drawn
    spoilt_x, spoilt_dy = (np.where(PADDING[..., np.newaxis], rubbish, array) for array in (x, dy))
    clean = padded(*drawn, reverse=reverse)
    assert_same(padded((spoilt_x, *rest), (spoilt_dy, dstates), reverse=reverse), clean)


def test_padding_may_hold_any_id(padded, drawn, rng, cell):
    (_, *rest), dresults = drawn
    ids = rng.integers(0, N_IN, (TIME, BATCH))
    clean = padded((ids, *rest), dresults)
    for others in ((ids + 1) % N_IN, np.full_like(ids, -1)):
        assert_same(padded((np.where(PADDING, others, ids), *rest), dresults), clean)


@pytest.mark.host
@each_direction
def test_whole_rows_are_the_same_as_no_lengths(run, padded, drawn, cell, reverse):
    whole = run(cell, *drawn, reverse=reverse)
    assert_same(padded(*drawn, lengths=[TIME] * BATCH, reverse=reverse), whole)
    assert_same(padded(*drawn, lengths=[TIME + 3] * BATCH, reverse=reverse), whole)


@pytest.mark.host
def test_lengths_may_be_of_any_integer_dtype(padded, drawn, cell):
    right = padded(*drawn)
    for dtype in (np.int8, np.uint8, np.int32):
        assert_same(padded(*drawn, lengths=LENGTHS.astype(dtype)), right)


def test_reverse_is_the_same_as_a_flipped_sequence(run, drawn, cell):
    (x, *rest), (dy, dstates) = drawn
    (y, finals), gradients = run(cell, (x, *rest), (dy, dstates), reverse=True)
    (flipped_y, flipped_finals), flipped = run(cell, (x[::-1].copy(), *rest), (dy[::-1].copy(), dstates))
    pairs = zip(
        tree_flatten((y, finals, gradients), "result"),
        tree_flatten((flipped_y[::-1], flipped_finals, flipped._replace(x=flipped.x[::-1])), "result"),
        strict=True,
    )
    for (name, one), (_, other) in pairs:
        assert_allclose(one, other, rtol=1e-12, atol=1e-13, err_msg=name)


def test_the_final_state_in_reverse_is_the_first_output(run, drawn, cell):
    (y, (h_n, *_)), _ = run(cell, *drawn, reverse=True)
    assert np.array_equal(y[0], h_n)


def test_float32_stays_float32(padded, drawn, backend32, cell):
    narrow, wide = padded(*drawn, on=backend32, reverse=True), padded(*drawn, reverse=True)
    pairs = zip(tree_flatten(narrow, "result"), tree_flatten(wide, "result"), strict=True)
    for (name, one), (_, other) in pairs:
        assert one.dtype == np.float32
        assert_allclose(one, other, rtol=1e-4, atol=1e-4, err_msg=name)
