"""What holds for all three recurrent cells; the files of the cells have the formula of each."""

import functools
import re
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn import ops
from portnn.backends import tree_flatten
from portnn.models import CELLS
from portnn.ops import Weights

TIME, BATCH, N_IN, HIDDEN = 5, 3, 4, 2

pytestmark = pytest.mark.parametrize("cell", CELLS)

# One step, two steps, a batch of one: NumPy alone takes them one by one, since JAX would compile each.
SHAPES = [(TIME, BATCH), (1, 1), *(pytest.param(*shape, marks=pytest.mark.host) for shape in ((1, 3), (2, 3), (5, 1)))]


def sample(cell, rng, time=TIME, batch=BATCH, n_in=N_IN, hidden=HIDDEN):
    """Arguments of a recurrent op: x, then states, then weights."""
    wide = CELLS[cell] * hidden
    weights = Weights(*(rng.normal(size=shape) for shape in ((n_in, wide), (hidden, wide), (wide,), (wide,))))
    states = [rng.normal(size=(batch, hidden)) for _ in range(2 if cell == "lstm" else 1)]
    return rng.normal(size=(time, batch, n_in)), *states, weights


def like_results(arguments, rng):
    """Random gradients of the results: of y, then of the final states."""
    x, *states, _ = arguments
    return [rng.normal(size=(x.shape[0], *states[0].shape)), *(rng.normal(size=state.shape) for state in states)]


def torch_results(cell, arguments, dresults):
    """Results and gradients of torch's layer, in our order and layout."""
    import torch

    x, *states, weights = arguments
    layer = getattr(torch.nn, cell.upper())(x.shape[2], weights.weight_hh.shape[0], dtype=torch.float64)
    with torch.no_grad():
        for name, array in weights._asdict().items():
            getattr(layer, f"{name}_l0").copy_(torch.tensor(array.T))
    inputs = [torch.tensor(array, requires_grad=True) for array in (x, *(state[np.newaxis] for state in states))]
    y, finals = layer(inputs[0], tuple(inputs[1:]) if cell == "lstm" else inputs[1])
    results = [y, *(finals if cell == "lstm" else (finals,))]
    expected = [result.detach().numpy() for result in results]
    torch.autograd.backward(results, [torch.tensor(d).reshape(r.shape) for d, r in zip(dresults, results, strict=True)])
    gradients = [array.grad.numpy() for array in inputs]
    of_weights = [getattr(layer, f"{name}_l0").grad.numpy().T for name in Weights._fields]
    return [expected[0], *(e[0] for e in expected[1:])], [gradients[0], *(g[0] for g in gradients[1:])], of_weights


@pytest.mark.torch_oracle
@pytest.mark.parametrize(("time", "batch"), SHAPES)
def test_results_and_all_gradients_equal_torch(run, rng, cell, time, batch):
    arguments = sample(cell, rng, time, batch)
    dresults = like_results(arguments, rng)
    results, (*gradients, of_weights) = run(cell, arguments, dresults)
    expected_results, expected_gradients, expected_of_weights = torch_results(cell, arguments, dresults)
    for ours, theirs in zip(results, expected_results, strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    for ours, theirs in zip(gradients, expected_gradients, strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    for name, ours, theirs in zip(Weights._fields, of_weights, expected_of_weights, strict=True):
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12, err_msg=name)


def test_ids_give_the_same_as_one_hot_vectors(run, rng, cell):
    _, *states, weights = sample(cell, rng)
    ids = rng.integers(0, N_IN, (TIME, BATCH))
    dresults = like_results((ids, *states, weights), rng)
    results, gradients = run(cell, (ids, *states, weights), dresults)
    others, other_gradients = run(cell, (np.eye(N_IN)[ids], *states, weights), dresults)
    assert gradients.x is None
    assert other_gradients.x.shape == (TIME, BATCH, N_IN)
    for one, other in zip(results, others, strict=True):
        assert_allclose(one, other, rtol=1e-12, atol=1e-13)
    for one, other in zip((*gradients[1:-1], *gradients.weights), (*other_gradients[1:-1], *other_gradients.weights),
                          strict=True):  # fmt: skip
        assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@pytest.mark.host
@pytest.mark.parametrize("block", [1, 13, 25])
def test_the_size_of_numpys_blocks_of_time_steps_changes_nothing(run, rng, monkeypatch, cell, block):
    arguments = sample(cell, rng)
    dresults = like_results(arguments, rng)
    whole = run(cell, arguments, dresults)
    monkeypatch.setattr(sys.modules["portnn.backends.libraries.numpy"], "BLOCK", block)
    in_blocks = run(cell, arguments, dresults)
    for (name, one), (_, other) in zip(tree_flatten(in_blocks, ""), tree_flatten(whole, ""), strict=True):
        assert_allclose(one, other, rtol=1e-14, atol=1e-15, err_msg=name)


def test_the_final_state_is_the_last_output(run, rng, cell):
    arguments = sample(cell, rng)
    (y, h_n, *_), _ = run(cell, arguments, like_results(arguments, rng))
    assert np.array_equal(y[-1], h_n)


def test_a_sequence_in_two_parts_is_the_same_as_whole(run, rng, cell):
    """The states go on from part to part, and their gradients come back from part to part."""
    x, *states, weights = sample(cell, rng, 2 * TIME)
    dy, *dstates = like_results((x, *states, weights), rng)
    (y, *finals), whole = run(cell, (x, *states, weights), (dy, *dstates))
    (first_y, *middle), _ = run(cell, (x[:TIME], *states, weights), (dy[:TIME], *dstates))
    (second_y, *last), back = run(cell, (x[TIME:], *middle, weights), (dy[TIME:], *dstates))
    _, front = run(cell, (x[:TIME], *states, weights), (dy[:TIME], *back[1:-1]))
    close = functools.partial(assert_allclose, rtol=1e-11, atol=1e-13)
    close(np.concatenate((first_y, second_y)), y)
    close(np.concatenate((front.x, back.x)), whole.x)
    for one, other in zip((*last, *front[1:-1]), (*finals, *whole[1:-1]), strict=True):
        close(one, other)
    for one, two, both in zip(front.weights, back.weights, whole.weights, strict=True):
        close(one + two, both)


def test_large_inputs_saturate_the_gates_without_overflow(run, rng, cell):
    x, *states, weights = sample(cell, rng)
    x = 1000.0 * np.sign(x)
    arguments = (x, *(np.tanh(state) for state in states), weights)
    results, gradients = run(cell, arguments, like_results(arguments, rng))
    assert np.abs(results[0]).max() <= 1.0
    for array in (*results, *gradients[:-1], *gradients.weights):
        assert np.isfinite(array).all()


def test_float32_stays_float32_and_near_float64(run, rng, backend32, cell):
    arguments = sample(cell, rng)
    dresults = like_results(arguments, rng)
    narrow, narrow_gradients = run(cell, arguments, dresults, on=backend32)
    wide, wide_gradients = run(cell, arguments, dresults)
    pairs = zip((*narrow, *narrow_gradients[:-1], *narrow_gradients.weights),
                (*wide, *wide_gradients[:-1], *wide_gradients.weights), strict=True)  # fmt: skip
    for one, other in pairs:
        assert one.dtype == np.float32
        assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["", " of ids"])
def test_gradient_agrees_with_central_differences(check_case, cell, kind):
    check_case(cell + kind)


def test_neither_arguments_nor_cache_are_written_into(backend, place, rng, cell):
    if backend.name == "jax":
        return  # its arrays cannot be written into
    x, *states, weights = sample(cell, rng)
    placed = [place(array) for array in (x, *states, *weights)]
    *results, cache = getattr(ops, cell)(*placed[:-4], Weights(*placed[-4:]))
    before = [backend.to_host(result).copy() for result in results]
    runs = [getattr(ops, f"{cell}_backward")(*results, cache) for _ in range(2)]
    for one, other in zip(*((*g[:-1], *g.weights) for g in runs), strict=True):
        assert np.array_equal(backend.to_host(one), backend.to_host(other))
    for result, its in zip(results, before, strict=True):
        assert np.array_equal(backend.to_host(result), its)
    for array, its in zip(placed, (x, *states, *weights), strict=True):
        assert np.array_equal(backend.to_host(array), its)


def call_with(place, cell, rng, **changed):
    x, *states, weights = sample(cell, rng)
    arrays = {"x": x, **dict(zip(("h0", "c0"), states, strict=False)), **weights._asdict(), **changed}
    placed = {name: place(array) for name, array in arrays.items()}
    kept = Weights(*(placed.pop(name) for name in Weights._fields))
    return getattr(ops, cell)(*placed.values(), kept)


@pytest.mark.parametrize("wrong", [(4,), (5, 3, 4, 1)], ids=str)
def test_x_without_time_and_batch_is_refused(place, rng, cell, wrong):
    message = f"{cell}: x has shape {wrong}, expected 2 or 3 dimensions"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call_with(place, cell, rng, x=np.ones(wrong))


def test_a_sequence_without_a_step_is_refused(place, rng, cell):
    message = rf"^{cell}: x has shape \(0, 3, 4\), expected at least one time step$"
    with pytest.raises(ValueError, match=message):
        call_with(place, cell, rng, x=np.ones((0, 3, 4)))


def test_ids_that_are_no_integers_are_refused(place, rng, cell):
    message = rf"^{cell}: x \(5, 3\) has dtype \S*float64, expected ids of an integer dtype$"
    with pytest.raises(TypeError, match=message):
        call_with(place, cell, rng, x=np.zeros((5, 3)))


def test_vectors_of_integers_are_refused(place, rng, cell):
    message = rf"^{cell}: x \(5, 3, 4\) has dtype \S*int(32|64), expected vectors of a floating dtype$"
    with pytest.raises(TypeError, match=message):
        call_with(place, cell, rng, x=np.zeros((5, 3, 4), dtype=int))


def test_input_weights_for_another_input_size_are_refused(place, rng, cell):
    wide = CELLS[cell] * HIDDEN
    message = rf"^{cell}: weight_ih has shape \(7, {wide}\) but x and weight_hh expect \(4, {wide}\)$"
    with pytest.raises(ValueError, match=message):
        call_with(place, cell, rng, weight_ih=np.ones((7, wide)))


def test_recurrent_weights_with_another_number_of_gates_are_refused(place, rng, cell):
    gates = CELLS[cell]
    message = rf"^{cell}: weight_hh has shape \(2, 5\) but 2 units of {gates} gate\(s\) expect \(2, {gates * 2}\)$"
    with pytest.raises(ValueError, match=message):
        call_with(place, cell, rng, weight_hh=np.ones((2, 5)))


@pytest.mark.parametrize("name", ["weight_ih", "weight_hh"])
def test_weights_that_are_no_matrix_are_refused(place, rng, cell, name):
    with pytest.raises(ValueError, match=rf"^{cell}: {name} has shape \(4,\), expected 2 dimensions$"):
        call_with(place, cell, rng, **{name: np.ones(4)})


@pytest.mark.parametrize("name", ["bias_ih", "bias_hh"])
def test_a_bias_of_another_length_is_refused(place, rng, cell, name):
    wide = CELLS[cell] * HIDDEN
    with pytest.raises(ValueError, match=rf"^{cell}: {name} has shape \(1,\) but weight_hh expects \({wide},\)$"):
        call_with(place, cell, rng, **{name: np.ones(1)})


def test_states_of_another_shape_are_refused(place, rng, cell):
    for name in ("h0", "c0") if cell == "lstm" else ("h0",):
        message = rf"^{cell}: {name} has shape \(1, 2\) but x and the weights expect \(3, 2\)$"
        with pytest.raises(ValueError, match=message):
            call_with(place, cell, rng, **{name: np.ones((1, 2))})
