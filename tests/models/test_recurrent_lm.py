import dataclasses
import functools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import tree_map
from portnn.checking import without_stalls
from portnn.models import LanguageBatch, RecurrentLM
from portnn.ops import CELLS, Weights

VOCABULARY, HIDDEN, LAYERS, TIME, BATCH = 5, 3, 2, 4, 3

each_cell = pytest.mark.parametrize("cell", CELLS)


def small(cell):
    return RecurrentLM(VOCABULARY, cell, hidden_size=HIDDEN, num_layers=LAYERS, dropout=0.5)


@pytest.fixture(scope="session")
def language(backend):
    """Loss, carry and gradients of a model on host arrays, compiled once for each model."""
    xp = backend.xp

    @functools.cache
    def compiled(model):
        def both(params, batch, carry):
            loss, carry, cache = model.loss(params, batch, carry, xp=xp)
            return loss, carry, model.gradients(cache, xp=xp)

        return backend.compile(both)

    def loss_and_gradients(model, params, batch, carry):
        placed = tree_map(backend.asarray, (params, batch, carry))
        with without_stalls(backend):
            results = compiled(model)(*placed)
        return tree_map(backend.to_host, results)

    return loss_and_gradients


@pytest.fixture
def drawn(rng):
    """Parameters, batch and carry for a model."""

    def draw(model, time=TIME, batch=BATCH):
        params = {name: rng.normal(size=shape) for name, shape in model.shapes().items()}
        ids = rng.integers(0, model.vocabulary_size, (time + 1, batch))
        carry = tree_map(lambda zeros: rng.normal(size=zeros.shape), model.initial_carry(batch))
        return params, LanguageBatch(ids[:-1], ids[1:]), carry

    return draw


@each_cell
def test_parameters_of_every_layer_and_of_the_output_are_listed(cell):
    gates = len(CELLS[cell].gates)
    model = RecurrentLM(7, cell, hidden_size=4, num_layers=2)
    assert model.shapes() == {
        "layers.0.weight_ih": (7, gates * 4),
        "layers.0.weight_hh": (4, gates * 4),
        "layers.0.bias_ih": (gates * 4,),
        "layers.0.bias_hh": (gates * 4,),
        "layers.1.weight_ih": (4, gates * 4),
        "layers.1.weight_hh": (4, gates * 4),
        "layers.1.bias_ih": (gates * 4,),
        "layers.1.bias_hh": (gates * 4,),
        "output.weight": (4, 7),
        "output.bias": (7,),
    }


@pytest.mark.host
@each_cell
def test_initial_parameters_have_the_shapes_and_the_bound_of_torch(cell, rng):
    model = RecurrentLM(40, cell, hidden_size=16, num_layers=2)
    params = model.init(rng)
    assert {name: array.shape for name, array in params.items()} == model.shapes()
    for name, array in params.items():
        assert array.dtype == np.float64
        plain = array
        if name.endswith("bias_ih"):
            starts = [CELLS[cell].gates.index(gate) * 16 for gate in CELLS[cell].initial_bias]
            plain = np.delete(array, [unit for start in starts for unit in range(start, start + 16)])
        assert np.abs(plain).max() <= 0.25
        assert array.size < 200 or 0.9 * 0.25 / math.sqrt(3) < plain.std() < 1.1 * 0.25 / math.sqrt(3)


@pytest.mark.host
@each_cell
def test_biases_that_a_cell_starts_with_are_in_bias_ih_alone(cell, rng):
    expected = [4 * CELLS[cell].gates.index(gate) + unit for gate in CELLS[cell].initial_bias for unit in range(4)]
    params = RecurrentLM(5, cell, hidden_size=4, num_layers=2).init(rng)
    for layer in range(2):
        values = np.repeat(list(CELLS[cell].initial_bias.values()), 4)
        assert np.array_equal(params[f"layers.{layer}.bias_ih"][expected], values)
        assert (np.abs(params[f"layers.{layer}.bias_hh"]) < 1.0).all()


@pytest.mark.host
def test_only_an_lstm_of_the_three_starts_with_open_forget_gates(rng):
    assert [cell for cell in ("rnn", "gru", "lstm") if CELLS[cell].initial_bias] == ["lstm"]
    params = RecurrentLM(5, "lstm", hidden_size=4, num_layers=2).init(rng)
    for layer in range(2):
        assert np.flatnonzero(params[f"layers.{layer}.bias_ih"] == 1.0).tolist() == [4, 5, 6, 7]
        assert not (params[f"layers.{layer}.bias_hh"] == 1.0).any()


@pytest.mark.host
def test_a_scale_draws_normal_weights_and_zero_biases(rng):
    params = RecurrentLM(60, "lstm", hidden_size=20).init(rng, scale=0.01)
    for name, array in params.items():
        if array.ndim == 1:
            assert not array.any(), name
        else:
            assert 0.009 < array.std() < 0.011, name


@pytest.mark.host
def test_the_same_seed_gives_the_same_parameters():
    model = RecurrentLM(5, "gru", hidden_size=4)
    first, again, other = (model.init(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not any(np.array_equal(first[name], other[name]) for name in first)


@each_cell
def test_the_first_carry_is_zero(cell):
    carry = RecurrentLM(5, cell, hidden_size=4, num_layers=3).initial_carry(2)
    assert len(carry) == 3
    for layer in carry:
        assert [part.shape for part in layer] == [(2, 4)] * len(CELLS[cell].states)
        assert not any(part.any() for part in layer)


@each_cell
def test_gradients_and_carry_have_the_shapes_of_parameters_and_states(language, drawn, cell):
    model = small(cell)
    loss, carry, grads = language(model, *drawn(model))
    assert loss.shape == ()
    assert {name: gradient.shape for name, gradient in grads.items()} == model.shapes()
    assert tree_map(np.shape, carry) == tree_map(np.shape, model.initial_carry(BATCH))


@each_cell
def test_a_compiled_model_stalls_nothing(drawn, language, cell):
    """`language` computes under the guard: once while it compiles, and here once more."""
    model = small(cell)
    host = drawn(model)
    first, second = (language(model, *host) for _ in range(2))
    assert first[0] == second[0]


@each_cell
def test_parameters_of_zero_know_nothing(language, drawn, cell):
    """The loss is then the logarithm of the size of the vocabulary."""
    model = small(cell)
    params, batch, carry = drawn(model)
    loss, _, _ = language(model, tree_map(np.zeros_like, params), batch, carry)
    assert loss == pytest.approx(math.log(VOCABULARY), rel=1e-14)


@pytest.mark.parametrize("cell", ["lstm", pytest.param("gru", marks=pytest.mark.host)])
def test_chunks_with_a_carry_are_the_same_as_the_whole(language, drawn, cell):
    model = small(cell)
    params, batch, carry = drawn(model, time=2 * TIME)
    whole, end, _ = language(model, params, batch, carry)
    losses = []
    for chunk in (slice(TIME), slice(TIME, None)):
        loss, carry, _ = language(model, params, LanguageBatch(batch.inputs[chunk], batch.targets[chunk]), carry)
        losses.append(loss)
    assert np.mean(losses) == pytest.approx(whole, rel=1e-13)
    for one, other in zip(carry, end, strict=True):
        for part, its in zip(one, other, strict=True):
            assert_allclose(part, its, rtol=1e-12, atol=1e-14)


@pytest.mark.host
def test_what_is_dropped_everywhere_has_no_effect_and_no_gradient(language, drawn):
    """With every unit of the first layer dropped, ids no longer matter; with a unit of the last, its weights."""
    model = small("rnn")
    params, batch, carry = drawn(model)
    first, last = np.zeros((TIME, BATCH, HIDDEN)), np.ones((TIME, BATCH, HIDDEN))
    last[..., 1] = 0.0
    loss, _, grads = language(model, params, batch._replace(keep=(first, last)), carry)
    other = batch._replace(inputs=(batch.inputs + 1) % VOCABULARY, keep=(first, last))
    assert language(model, params, other, carry)[0] == loss
    assert not grads["layers.0.weight_ih"].any()
    assert not grads["layers.1.weight_ih"].any()
    assert grads["layers.1.weight_hh"].any()
    assert not grads["output.weight"][1].any()
    assert grads["output.weight"][[0, 2]].all()


@pytest.mark.host
def test_units_that_are_kept_are_scaled_and_without_masks_nothing_is(language, drawn):
    """A model with dropout and masks of ones is the model without dropout whose next weights are larger."""
    model = small("rnn")
    params, batch, carry = drawn(model)
    ones = np.ones((TIME, BATCH, HIDDEN))
    kept, _, _ = language(model, params, batch._replace(keep=(ones, ones)), carry)
    larger = {
        name: array * 2.0 if name in ("layers.1.weight_ih", "output.weight") else array
        for name, array in params.items()
    }
    plain, _, _ = language(model, larger, batch, carry)
    assert kept == pytest.approx(plain, rel=1e-13)


@pytest.mark.host
def test_targets_that_do_not_count_change_neither_loss_nor_gradients(language, drawn):
    model = small("rnn")
    params, batch, carry = drawn(model)
    weights = np.ones((TIME, BATCH))
    weights[1, 2] = weights[3, 0] = 0.0
    others = np.where(weights == 0.0, (batch.targets + 1) % VOCABULARY, batch.targets)
    one = language(model, params, batch._replace(weights=weights), carry)
    other = language(model, params, LanguageBatch(batch.inputs, others, (), weights), carry)
    unweighted, _, _ = language(model, params, batch, carry)
    assert one[0] == other[0] != unweighted
    for name, gradient in one[2].items():
        assert np.array_equal(gradient, other[2][name])


@each_cell
def test_gradients_agree_with_central_differences(backend, check_case, cell):
    compared = {comparison.name for comparison in check_case(f"RecurrentLM {cell}")}
    if backend.library.on_host:
        assert compared == set(small(cell).shapes())


def test_a_batch_is_left_as_it_was(backend, place, drawn):
    if backend.name == "jax":
        return  # its arrays cannot be written into
    model = small("lstm")
    host = drawn(model)
    placed = tree_map(place, host)
    _, _, cache = model.loss(*placed, xp=backend.xp)
    first, second = (tree_map(backend.to_host, model.gradients(cache, xp=backend.xp)) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    leaves = []
    tree_map(lambda array: leaves.append(backend.to_host(array)), placed)
    tree_map(lambda array: np.testing.assert_array_equal(leaves.pop(0), array), host)


@pytest.mark.torch_oracle
@each_cell
def test_two_layers_equal_those_of_torch_with_a_linear_layer(language, drawn, cell):
    import torch

    if not hasattr(torch.nn, cell.upper()):
        pytest.skip("PyTorch has no such cell")
    model = small(cell)
    params, batch, carry = drawn(model)
    layers = getattr(torch.nn, cell.upper())(VOCABULARY, HIDDEN, num_layers=LAYERS, dtype=torch.float64)
    output = torch.nn.Linear(HIDDEN, VOCABULARY, dtype=torch.float64)
    theirs = {"output.weight": output.weight, "output.bias": output.bias}
    for k in range(LAYERS):
        theirs |= {f"layers.{k}.{name}": getattr(layers, f"{name}_l{k}") for name in Weights._fields}
    with torch.no_grad():
        for name, array in params.items():
            theirs[name].copy_(torch.tensor(array.T))
    states = [torch.tensor(np.stack(parts)) for parts in zip(*carry, strict=True)]
    one_hot = torch.nn.functional.one_hot(torch.tensor(batch.inputs), VOCABULARY).double()
    y, finals = layers(one_hot, states[0] if len(states) == 1 else tuple(states))
    expected = torch.nn.functional.cross_entropy(
        output(y).reshape(-1, VOCABULARY), torch.tensor(batch.targets).reshape(-1)
    )
    expected.backward()

    loss, new_carry, grads = language(model, params, batch, carry)
    assert loss == pytest.approx(expected.item(), rel=1e-13)
    assert set(grads) == set(theirs)
    for name, gradient in grads.items():
        assert_allclose(gradient, theirs[name].grad.numpy().T, rtol=1e-12, atol=1e-13, err_msg=name)
    parts = (finals,) if len(states) == 1 else finals
    for ours, final in zip(zip(*new_carry, strict=True), parts, strict=True):
        assert_allclose(np.stack(ours), final.detach().numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.host
@pytest.mark.parametrize("name", ["vocabulary_size", "hidden_size", "num_layers"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None])
def test_sizes_that_are_not_positive_whole_numbers_are_refused(name, value):
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must be a positive whole number, got {value!r}$"):
        RecurrentLM(**{"vocabulary_size": 5, name: value})


@pytest.mark.host
@pytest.mark.parametrize("value", [-0.1, 1.0, 2.0, float("nan")])
def test_a_dropout_rate_out_of_range_is_refused(value):
    with pytest.raises(ValueError, match=rf"^dropout must be in \[0, 1\), got {value}$"):
        RecurrentLM(5, dropout=value)


@pytest.mark.host
def test_an_unknown_cell_is_named_beside_the_known_ones():
    with pytest.raises(ValueError, match=rf"^unknown cell 'transformer'; known: {', '.join(CELLS)}$"):
        RecurrentLM(5, "transformer")


@pytest.mark.host
def test_a_model_is_a_value():
    assert small("lstm") == small("lstm") != small("gru")
    assert len({small("lstm"), small("lstm")}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        small("lstm").hidden_size = 9
