"""What holds for every recurrent cell; the files of the cells have the formula of each."""

import functools
import importlib
import pkgutil
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import tree_flatten, tree_map
from portnn.ops import CELLS, Weights, recurrent

TIME, BATCH, N_IN, HIDDEN = 5, 3, 4, 2

pytestmark = pytest.mark.parametrize("cell", CELLS)

# One step, two steps, a batch of one: NumPy alone takes them one by one, since JAX would compile each.
SHAPES = [(TIME, BATCH), (1, 1), *(pytest.param(*shape, marks=pytest.mark.host) for shape in ((1, 3), (2, 3), (5, 1)))]


def sample(cell, rng, time=TIME, batch=BATCH, n_in=N_IN, hidden=HIDDEN):
    """Arguments of a recurrent op: x, states, weights."""
    wide = len(CELLS[cell].gates) * hidden
    weights = Weights(*(rng.normal(size=shape) for shape in ((n_in, wide), (hidden, wide), (wide,), (wide,))))
    states = tuple(rng.normal(size=(batch, hidden)) for _ in CELLS[cell].states)
    return rng.normal(size=(time, batch, n_in)), states, weights


def like_results(arguments, rng):
    """Random gradients of the results: of y, then of the final states."""
    x, states, _ = arguments
    return rng.normal(size=(x.shape[0], *states[0].shape)), tuple(rng.normal(size=state.shape) for state in states)


def assert_close(ours, theirs, **tolerances):
    """Compare two trees of arrays."""
    pairs = zip(tree_flatten(ours, "result"), tree_flatten(theirs, "result"), strict=True)
    for (name, one), (other_name, other) in pairs:
        assert name == other_name
        assert_allclose(one, other, **(tolerances or {"rtol": 1e-12, "atol": 1e-12}), err_msg=name)


def torch_results(cell, arguments, dresults):
    """Results and gradients of torch's layer, in our order and layout."""
    import torch

    if not hasattr(torch.nn, cell.upper()):
        pytest.skip("PyTorch has no such cell")
    x, states, weights = arguments
    layer = getattr(torch.nn, cell.upper())(x.shape[2], weights.weight_hh.shape[0], dtype=torch.float64)
    with torch.no_grad():
        for name, array in weights._asdict().items():
            getattr(layer, f"{name}_l0").copy_(torch.tensor(array.T))
    inputs = [torch.tensor(array, requires_grad=True) for array in (x, *(state[np.newaxis] for state in states))]
    y, finals = layer(inputs[0], inputs[1] if len(states) == 1 else tuple(inputs[1:]))
    results = [y, *((finals,) if len(states) == 1 else finals)]
    gradients = [torch.tensor(d).reshape(r.shape) for d, r in zip((dresults[0], *dresults[1]), results, strict=True)]
    torch.autograd.backward(results, gradients)
    y, *finals = (result.detach().numpy() for result in results)
    dx, *dstates = (array.grad.numpy() for array in inputs)
    of_weights = Weights(*(getattr(layer, f"{name}_l0").grad.numpy().T for name in Weights._fields))
    return (y, tuple(h[0] for h in finals)), (dx, tuple(dh[0] for dh in dstates), of_weights)


@pytest.mark.torch_oracle
@pytest.mark.parametrize(("time", "batch"), SHAPES)
def test_results_and_all_gradients_equal_torch(run, rng, cell, time, batch):
    arguments = sample(cell, rng, time, batch)
    dresults = like_results(arguments, rng)
    results, gradients = run(cell, arguments, dresults)
    expected_results, expected_gradients = torch_results(cell, arguments, dresults)
    assert_close(results, expected_results)
    assert_close(gradients, expected_gradients)


def test_ids_give_the_same_as_one_hot_vectors(run, rng, cell):
    _, states, weights = sample(cell, rng)
    ids = rng.integers(0, N_IN, (TIME, BATCH))
    dresults = like_results((ids, states, weights), rng)
    results, gradients = run(cell, (ids, states, weights), dresults)
    others, other_gradients = run(cell, (np.eye(N_IN)[ids], states, weights), dresults)
    assert gradients.x is None
    assert other_gradients.x.shape == (TIME, BATCH, N_IN)
    assert_close(results, others, rtol=1e-12, atol=1e-13)
    assert_close(gradients[1:], other_gradients[1:], rtol=1e-11, atol=1e-13)


@pytest.mark.host
@pytest.mark.parametrize("block", [1, 13, 25])
def test_the_size_of_numpys_blocks_of_time_steps_changes_nothing(run, rng, monkeypatch, cell, block):
    arguments = sample(cell, rng)
    dresults = like_results(arguments, rng)
    whole = run(cell, arguments, dresults)
    monkeypatch.setattr("portnn.backends.libraries.numpy.BLOCK", block)
    in_blocks = run(cell, arguments, dresults)
    assert_close(in_blocks, whole, rtol=1e-14, atol=1e-15)


@pytest.mark.host
@pytest.mark.parametrize("reverse", [False, True])
def test_what_suits_a_compiler_gives_the_same_as_what_suits_numpy(run, rng, monkeypatch, cell, reverse):
    """The layout of the gates in the loop, and whether slices are avoided, belong to the library."""
    arguments = sample(cell, rng)
    dresults, lengths = like_results(arguments, rng), {"lengths": np.asarray([5, 2, 0])}
    first = run(cell, arguments, dresults, lengths, reverse=reverse)
    for file in pkgutil.iter_modules(recurrent.__path__, "portnn.ops.recurrent."):
        for question in ("gates_first", "slices_are_views"):
            if hasattr(importlib.import_module(file.name), question):
                monkeypatch.setattr(f"{file.name}.{question}", lambda *, xp: False)
    other = run(cell, arguments, dresults, lengths, reverse=reverse)
    assert_close(other, first, rtol=1e-13, atol=1e-14)


def test_the_final_state_is_the_last_output(run, rng, cell):
    arguments = sample(cell, rng)
    (y, (h_n, *_)), _ = run(cell, arguments, like_results(arguments, rng))
    assert np.array_equal(y[-1], h_n)


def test_a_sequence_in_two_parts_is_the_same_as_whole(run, rng, cell):
    """The states go on from part to part, and their gradients come back from part to part."""
    x, states, weights = sample(cell, rng, 2 * TIME)
    dy, dstates = like_results((x, states, weights), rng)
    (y, finals), whole = run(cell, (x, states, weights), (dy, dstates))
    (first_y, middle), _ = run(cell, (x[:TIME], states, weights), (dy[:TIME], dstates))
    (second_y, last), back = run(cell, (x[TIME:], middle, weights), (dy[TIME:], dstates))
    _, front = run(cell, (x[:TIME], states, weights), (dy[:TIME], back.states))
    close = functools.partial(assert_close, rtol=1e-11, atol=1e-13)
    close(np.concatenate((first_y, second_y)), y)
    close(np.concatenate((front.x, back.x)), whole.x)
    close((last, front.states), (finals, whole.states))
    close(tree_map(np.add, front.weights, back.weights), whole.weights)


def test_large_inputs_saturate_the_gates_without_overflow(run, rng, cell):
    x, states, weights = sample(cell, rng)
    arguments = (1000.0 * np.sign(x), tree_map(np.tanh, states), weights)
    results, gradients = run(cell, arguments, like_results(arguments, rng))
    assert np.abs(results[0]).max() <= 1.0
    for name, array in tree_flatten((results, gradients), "result"):
        assert np.isfinite(array).all(), name


def test_float32_stays_float32_and_near_float64(run, rng, backend32, cell):
    arguments = sample(cell, rng)
    dresults = like_results(arguments, rng)
    narrow, wide = (run(cell, arguments, dresults, **on) for on in ({"on": backend32}, {}))
    assert {array.dtype for _, array in tree_flatten(narrow, "result")} == {np.dtype(np.float32)}
    assert_close(narrow, wide, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "kind", ["", " of ids", " in reverse", " with lengths", " in reverse with lengths", " of ids with lengths"]
)
def test_gradient_agrees_with_central_differences(check_case, cell, kind):
    check_case(cell + kind)


def test_neither_arguments_nor_cache_are_written_into(backend, place, rng, cell):
    if backend.name == "jax":
        return  # its arrays cannot be written into
    arguments = sample(cell, rng)
    placed = tree_map(place, arguments)
    y, finals, cache = CELLS[cell].forward(*placed)
    first, second = (tree_map(backend.to_host, CELLS[cell].backward(y, finals, cache)) for _ in range(2))
    assert_close(first, second, rtol=0.0, atol=0.0)
    assert_close(tree_map(backend.to_host, placed), arguments, rtol=0.0, atol=0.0)


def call_with(place, cell, rng, states=None, **changed):
    x, its_states, weights = sample(cell, rng)
    arrays = {"x": x, **weights._asdict(), **changed}
    placed = {name: place(array) for name, array in arrays.items()}
    kept = Weights(*(placed.pop(name) for name in Weights._fields))
    return CELLS[cell].forward(placed.pop("x"), tree_map(place, states or its_states), kept, **placed)


@pytest.mark.parametrize("wrong", [(4,), (5, 3, 4, 1)], ids=str)
def test_x_without_time_and_batch_is_refused(place, rng, cell, wrong):
    message = f"{cell}: x has shape {wrong}, expected 2 or 3 dimensions"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call_with(place, cell, rng, x=np.ones(wrong))


def test_a_sequence_without_a_step_is_refused(place, rng, cell):
    message = rf"^{cell}: x has shape \(0, 3, 4\), expected at least one time step$"
    with pytest.raises(ValueError, match=message):
        call_with(place, cell, rng, x=np.ones((0, 3, 4)))


def test_ids_that_are_not_integers_are_refused(place, rng, cell):
    message = rf"^{cell}: x \(5, 3\) has dtype \S*float64, expected ids of an integer dtype$"
    with pytest.raises(TypeError, match=message):
        call_with(place, cell, rng, x=np.zeros((5, 3)))


def test_vectors_of_integers_are_refused(place, rng, cell):
    message = rf"^{cell}: x \(5, 3, 4\) has dtype \S*int(32|64), expected vectors of a floating dtype$"
    with pytest.raises(TypeError, match=message):
        call_with(place, cell, rng, x=np.zeros((5, 3, 4), dtype=int))


def test_input_weights_for_another_input_size_are_refused(place, rng, cell):
    wide = len(CELLS[cell].gates) * HIDDEN
    message = rf"^{cell}: weight_ih has shape \(7, {wide}\) but x and weight_hh expect \(4, {wide}\)$"
    with pytest.raises(ValueError, match=message):
        call_with(place, cell, rng, weight_ih=np.ones((7, wide)))


def test_recurrent_weights_with_another_number_of_gates_are_refused(place, rng, cell):
    gates = len(CELLS[cell].gates)
    message = rf"^{cell}: weight_hh has shape \(2, 5\) but 2 units of {gates} gate\(s\) expect \(2, {gates * 2}\)$"
    with pytest.raises(ValueError, match=message):
        call_with(place, cell, rng, weight_hh=np.ones((2, 5)))


@pytest.mark.parametrize("name", ["weight_ih", "weight_hh"])
def test_weights_that_are_not_matrices_are_refused(place, rng, cell, name):
    with pytest.raises(ValueError, match=rf"^{cell}: {name} has shape \(4,\), expected 2 dimensions$"):
        call_with(place, cell, rng, **{name: np.ones(4)})


@pytest.mark.parametrize("name", ["bias_ih", "bias_hh"])
def test_a_bias_of_another_length_is_refused(place, rng, cell, name):
    wide = len(CELLS[cell].gates) * HIDDEN
    with pytest.raises(ValueError, match=rf"^{cell}: {name} has shape \(1,\) but weight_hh expects \({wide},\)$"):
        call_with(place, cell, rng, **{name: np.ones(1)})


def test_states_of_another_shape_are_refused(place, rng, cell):
    _, states, _ = sample(cell, rng)
    for number, name in enumerate(CELLS[cell].states):
        message = rf"^{cell}: state {name} has shape \(1, 2\) but x and the weights expect \(3, 2\)$"
        wrong = tuple(np.ones((1, 2)) if k == number else state for k, state in enumerate(states))
        with pytest.raises(ValueError, match=message):
            call_with(place, cell, rng, states=wrong)


def test_another_number_of_states_is_refused(place, rng, cell):
    names = CELLS[cell].states
    message = f"{cell}: states holds 3 arrays, expected {len(names)} ({', '.join(names)})"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call_with(place, cell, rng, states=(np.ones((3, 2)),) * 3)


def test_lengths_of_another_shape_are_refused(place, rng, cell):
    with pytest.raises(ValueError, match=rf"^{cell}: lengths has shape \(2,\) but x expects \(3,\)$"):
        call_with(place, cell, rng, lengths=np.asarray([1, 2]))


def test_lengths_that_are_not_integers_are_refused(place, rng, cell):
    with pytest.raises(TypeError, match=rf"^{cell}: lengths \(3,\) have dtype \S*float64, expected an integer dtype$"):
        call_with(place, cell, rng, lengths=np.ones(3))
