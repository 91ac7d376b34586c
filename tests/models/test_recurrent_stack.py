import functools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import tree_flatten, tree_map
from portnn.checking import without_stalls
from portnn.models import RecurrentStack
from portnn.ops import CELLS

TIME, N_IN, HIDDEN = 5, 4, 3
LENGTHS = np.asarray([5, 2, 3])
BATCH = len(LENGTHS)

each_cell = pytest.mark.parametrize("cell", CELLS)


@pytest.fixture
def drawn(rng):
    """Parameters, input and states of a stack, and gradients of its outputs and final states."""

    def draw(stack):
        params = {name: rng.normal(size=shape) for name, shape in stack.shapes().items()}
        still = stack.initial_states(BATCH)
        states, dstates = (tree_map(lambda zeros: rng.normal(size=zeros.shape), still) for _ in range(2))
        dy = rng.normal(size=(TIME, BATCH, stack.output_size))
        return (params, rng.normal(size=(TIME, BATCH, stack.input_size)), states), (dy, dstates)

    return draw


@pytest.fixture(scope="session")
def both(backend):
    """Forward and backward on host arrays: (y, states), (dx, dstates, grads)."""

    @functools.cache
    def compiled(stack):
        def run(arguments, dresults, keep, lengths):
            y, states, cache = stack.forward(*arguments, keep, lengths, xp=backend.xp)
            return (y, states), stack.backward(*dresults, cache, xp=backend.xp)

        return backend.compile(run)

    def run(stack, arguments, dresults, keep=(), lengths=None):
        placed = tree_map(backend.asarray, (arguments, dresults, keep, lengths))
        with without_stalls(backend):
            results = compiled(stack)(*placed)
        return tree_map(backend.to_host, results)

    return run


def assert_close(ours, theirs, **tolerances):
    pairs = zip(tree_flatten(ours, "result"), tree_flatten(theirs, "result"), strict=True)
    for (name, one), (_, other) in pairs:
        assert_allclose(one, other, **(tolerances or {"rtol": 1e-12, "atol": 1e-12}), err_msg=name)


@each_cell
def test_parameters_are_named_by_layer_and_direction(cell):
    wide = len(CELLS[cell].gates) * HIDDEN
    expected = {}
    for layer, n_in in (("0", N_IN), ("0.reverse", N_IN), ("1", 2 * HIDDEN), ("1.reverse", 2 * HIDDEN)):
        expected |= {
            f"layers.{layer}.weight_ih": (n_in, wide),
            f"layers.{layer}.weight_hh": (HIDDEN, wide),
            f"layers.{layer}.bias_ih": (wide,),
            f"layers.{layer}.bias_hh": (wide,),
        }
    stack = RecurrentStack(cell, N_IN, HIDDEN, num_layers=2, bidirectional=True)
    assert list(stack.shapes().items()) == list(expected.items())
    assert stack.output_size == 2 * HIDDEN
    one_way = RecurrentStack(cell, N_IN, HIDDEN, num_layers=2)
    assert one_way.shapes() == {
        name: (HIDDEN, wide) if name == "layers.1.weight_ih" else shape
        for name, shape in expected.items()
        if ".reverse" not in name
    }
    assert one_way.output_size == HIDDEN


@pytest.mark.host
@each_cell
def test_initial_parameters_have_the_bound_of_torch_and_the_cells_own_biases(cell, rng):
    stack = RecurrentStack(cell, 40, 16, num_layers=2, bidirectional=True)
    params = stack.init(rng)
    assert {name: array.shape for name, array in params.items()} == stack.shapes()
    for name, array in params.items():
        gates = dict(zip(CELLS[cell].gates, np.split(array, len(CELLS[cell].gates), axis=-1), strict=True))
        if name.endswith("bias_ih"):
            for gate, value in CELLS[cell].initial_bias.items():
                assert (gates.pop(gate) == value).all()
        drawn = np.concatenate(list(gates.values()), axis=-1)
        assert drawn.dtype == np.float64
        assert np.abs(drawn).max() <= 0.25
        assert drawn.size < 200 or 0.9 * 0.25 / math.sqrt(3) < drawn.std() < 1.1 * 0.25 / math.sqrt(3)


@each_cell
def test_initial_states_are_zero_for_each_layer_and_direction(cell):
    states = RecurrentStack(cell, N_IN, HIDDEN, num_layers=3, bidirectional=True).initial_states(2)
    assert tree_map(np.shape, states) == (((2, HIDDEN),) * len(CELLS[cell].states),) * 6
    assert not any(array.any() for _, array in tree_flatten(states, "states"))


@pytest.mark.torch_oracle
@each_cell
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "packed"])
def test_two_layers_in_two_directions_equal_those_of_torch(both, drawn, cell, lengths):
    import torch

    if not hasattr(torch.nn, cell.upper()):
        pytest.skip("PyTorch has no such cell")
    stack = RecurrentStack(cell, N_IN, HIDDEN, num_layers=2, bidirectional=True)
    (params, x, states), (dy, dstates) = drawn(stack)
    layers = getattr(torch.nn, cell.upper())(N_IN, HIDDEN, num_layers=2, bidirectional=True, dtype=torch.float64)
    theirs = {}
    for name in params:
        layer, *direction, field = name.removeprefix("layers.").split(".")
        theirs[name] = getattr(layers, "_".join([field, f"l{layer}", *direction]))
    with torch.no_grad():
        for name, array in params.items():
            theirs[name].copy_(torch.tensor(array.T))
    inputs = torch.tensor(x, requires_grad=True)
    before = [torch.tensor(np.stack(parts), requires_grad=True) for parts in zip(*states, strict=True)]
    packed = inputs
    if lengths is not None:
        packed = torch.nn.utils.rnn.pack_padded_sequence(inputs, torch.tensor(lengths), enforce_sorted=False)
    outputs, finals = layers(packed, before[0] if len(before) == 1 else tuple(before))
    if lengths is not None:
        outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, total_length=TIME)
    results = [outputs, *((finals,) if len(before) == 1 else finals)]
    of_finals = [torch.tensor(np.stack(parts)) for parts in zip(*dstates, strict=True)]
    torch.autograd.backward(results, [torch.tensor(dy), *of_finals])

    (y, ends), (dx, starts, grads) = both(stack, (params, x, states), (dy, dstates), lengths=lengths)
    by_kind = [np.stack(parts) for parts in zip(*ends, strict=True)]
    assert_close((y, *by_kind), tuple(result.detach().numpy() for result in results))
    by_kind = [np.stack(parts) for parts in zip(*starts, strict=True)]
    assert_close((dx, *by_kind), tuple(array.grad.numpy() for array in (inputs, *before)))
    assert set(grads) == set(theirs)
    for name, gradient in grads.items():
        assert_allclose(gradient, theirs[name].grad.numpy().T, rtol=1e-12, atol=1e-12, err_msg=name)


@each_cell
def test_gradients_agree_with_central_differences(backend, check_case, cell):
    compared = {comparison.name for comparison in check_case(f"RecurrentStack {cell}")}
    if backend.library.on_host:
        stack = RecurrentStack(cell, 5, 2, num_layers=2, bidirectional=True)
        states = dict(tree_flatten(stack.initial_states(1), "states"))
        assert compared == {"x", *states, *stack.shapes()}


def test_no_gradients_of_final_states_are_the_same_as_zeros(both, drawn):
    stack = RecurrentStack("lstm", N_IN, HIDDEN, num_layers=2, bidirectional=True)
    arguments, (dy, dstates) = drawn(stack)
    zeros = both(stack, arguments, (dy, tree_map(np.zeros_like, dstates)))
    assert_close(both(stack, arguments, (dy, None)), zeros, rtol=0.0, atol=0.0)


def test_ids_give_the_same_as_one_hot_vectors(both, drawn, rng):
    """Both directions of the first layer read them; there is no gradient of x."""
    stack = RecurrentStack("gru", N_IN, HIDDEN, bidirectional=True)
    (params, _, states), dresults = drawn(stack)
    ids = rng.integers(0, N_IN, (TIME, BATCH))
    results, (dx, *others) = both(stack, (params, ids, states), dresults, lengths=LENGTHS)
    expected, (_, *expected_others) = both(stack, (params, np.eye(N_IN)[ids], states), dresults, lengths=LENGTHS)
    assert dx is None
    assert_close((results, tuple(others)), (expected, tuple(expected_others)))


@pytest.mark.host
def test_masks_drop_the_output_of_every_layer_but_the_last(both, drawn):
    stack = RecurrentStack("rnn", N_IN, HIDDEN, num_layers=2, bidirectional=True, dropout=0.5)
    arguments, dresults = drawn(stack)
    keep = np.ones((TIME, BATCH, 2 * HIDDEN))
    keep[..., 1] = 0.0
    (dropped, _), (_, _, grads) = both(stack, arguments, dresults, (keep,))
    params, x, states = arguments
    (first, _), _ = both(RecurrentStack("rnn", N_IN, HIDDEN, bidirectional=True), (params, x, states[:2]), (keep, None))
    upper = {name.replace("layers.1", "layers.0"): array for name, array in params.items() if "layers.1" in name}
    second = RecurrentStack("rnn", 2 * HIDDEN, HIDDEN, bidirectional=True)
    (y, _), _ = both(second, (upper, 2.0 * keep * first, states[2:]), (*dresults[:1], None))
    assert_allclose(dropped, y, rtol=1e-13)
    for name in ("layers.1.weight_ih", "layers.1.reverse.weight_ih"):
        assert not grads[name][1].any()
        assert grads[name][[0, *range(2, 2 * HIDDEN)]].all()


@pytest.mark.host
@pytest.mark.parametrize("name", ["input_size", "hidden_size", "num_layers"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None])
def test_sizes_that_are_not_positive_whole_numbers_are_refused(name, value):
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must be a positive whole number, got {value!r}$"):
        RecurrentStack("rnn", **{"input_size": 5, "hidden_size": 5, name: value})


@pytest.mark.host
@pytest.mark.parametrize("value", [-0.1, 1.0, float("nan")])
def test_a_dropout_rate_out_of_range_is_refused(value):
    with pytest.raises(ValueError, match=rf"^dropout must be in \[0, 1\), got {value}$"):
        RecurrentStack("rnn", 5, 5, dropout=value)


@pytest.mark.host
def test_an_unknown_cell_is_named_beside_the_known_ones():
    with pytest.raises(ValueError, match=rf"^unknown cell 'transformer'; known: {', '.join(CELLS)}$"):
        RecurrentStack("transformer", 5, 5)
