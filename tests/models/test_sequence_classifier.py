"""A recurrent classifier: sequences side by side are what each of them is alone, and padding is nothing."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import RowGradient, scatter_add, tree_map
from portnn.checking import frozen, training_cases, without_stalls
from portnn.models import SequenceBatch, SequenceClassifier
from portnn.models.sequence_classifier import TABLE
from portnn.ops import CELLS, POOLINGS

VOCABULARY, OUTPUTS, HIDDEN, PADDING = 7, 3, 2, 6
"""The last id stands in no sequence: only padding has it."""

LENGTHS = np.asarray([3, 5, 1, 4])
TIME, BATCH = int(LENGTHS.max()), len(LENGTHS)
PAST = np.arange(TIME)[:, np.newaxis] >= LENGTHS

ARCHITECTURES = {
    f"{cell}, {'both ways' if both else 'forward'}, {pooling}, {layers}, {'embedding' if size else 'one-hot'}": {
        "cell": cell,
        "bidirectional": both,
        "pooling": pooling,
        "num_layers": layers,
        "embedding_size": size,
    }
    for cell, both, pooling, layers, size in itertools.product(CELLS, (False, True), POOLINGS, (1, 2), (3, None))
}
every_architecture = pytest.mark.parametrize("settings", ARCHITECTURES.values(), ids=ARCHITECTURES)
each_cell = pytest.mark.parametrize("cell", CELLS)


@pytest.fixture
def drawn(rng):
    """Parameters and a padded batch."""

    def draw(model):
        params = {name: rng.normal(size=shape) for name, shape in model.shapes().items()}
        ids = np.where(PAST, PADDING, rng.integers(0, PADDING, (TIME, BATCH)))
        several = model.objective == "binary_cross_entropy"
        targets = rng.integers(0, 2, (BATCH, OUTPUTS)) * 1.0 if several else rng.integers(0, OUTPUTS, BATCH)
        return params, SequenceBatch(ids, LENGTHS, targets, rng.random(BATCH) + 0.5)

    return draw


def network(**settings):
    return SequenceClassifier(VOCABULARY, OUTPUTS, hidden_size=HIDDEN, **settings)


def alone(batch, row):
    """One sequence of a batch as a batch without padding."""
    here = slice(row, row + 1)
    return SequenceBatch(batch.ids[: LENGTHS[row], here], None, batch.targets[here], batch.weights[here])


def whole(gradient, shape):
    if isinstance(gradient, RowGradient):
        return scatter_add(np.zeros(shape), *gradient, xp=np)
    return gradient


def results(model, params, batch):
    """Logits, loss and gradients, the table's as a whole, on NumPy."""
    logits, _ = model.outputs_of(params, batch, xp=np)
    loss, _, cache = model.loss(params, batch, xp=np)
    gradients = model.gradients(cache, xp=np)
    return logits, loss, {name: whole(gradient, params[name].shape) for name, gradient in gradients.items()}


def tanh_states(params, layer, x):
    """States of a tanh layer at every step, from its definition."""
    h, states = np.zeros(HIDDEN), []
    for vector in x:
        of_input = vector @ params[f"{layer}.weight_ih"] + params[f"{layer}.bias_ih"]
        h = np.tanh(of_input + h @ params[f"{layer}.weight_hh"] + params[f"{layer}.bias_hh"])
        states.append(h)
    return np.asarray(states)


@pytest.mark.host
@every_architecture
def test_a_padded_batch_is_its_sequences_alone(drawn, settings):
    model = network(**settings)
    params, batch = drawn(model)
    logits, loss, gradients = results(model, params, batch)
    shares = batch.weights / batch.weights.sum()
    singles = [results(model, params, alone(batch, row)) for row in range(BATCH)]
    for row, (right, _, _) in enumerate(singles):
        assert_allclose(logits[row], right[0], rtol=0.0, atol=1e-12)
    assert_allclose(loss, sum(share * single[1] for share, single in zip(shares, singles, strict=True)), rtol=1e-12)
    for name, gradient in gradients.items():
        right = sum(share * single[2][name] for share, single in zip(shares, singles, strict=True))
        assert_allclose(gradient, right, rtol=1e-10, atol=1e-13, err_msg=name)


@pytest.mark.host
@every_architecture
def test_what_stands_in_the_padding_does_not_matter_and_gets_no_gradient(drawn, settings):
    """Not even a vector that is no number; and a row that only padding names has the gradient 0.0 exactly."""
    model = network(**settings)
    params, batch = drawn(model)
    right_logits, right_loss, right = results(model, params, batch)
    name = TABLE if model.embedding_size else "layers.0.weight_ih"
    assert name in right, sorted(right)
    assert not right[name][PADDING].any()
    assert right[name][:PADDING].any()
    other = batch._replace(ids=np.where(PAST, 2, batch.ids))
    wrong = {**params, TABLE: params[TABLE].copy()} if model.embedding_size else params
    if model.embedding_size:
        wrong[TABLE][PADDING] = [np.nan, np.inf, -np.inf]
    for changed_params, changed_batch in ((params, other), (wrong, batch)):
        logits, loss, gradients = results(model, changed_params, changed_batch)
        assert np.array_equal(logits, right_logits)
        assert loss == right_loss
        for key, gradient in gradients.items():
            assert np.array_equal(gradient, right[key]), key


@pytest.mark.host
@every_architecture
def test_vectors_in_place_of_ids(drawn, settings, rng):
    """As `explain` reads them: padding that is no number changes nothing and has the gradient 0.0."""
    model = network(**settings)
    params, batch = drawn(model)
    x = rng.normal(size=(TIME, BATCH, model.embedding_size or VOCABULARY))
    doutputs = rng.normal(size=(BATCH, OUTPUTS))
    found = []
    for padding in (0.0, np.nan, np.inf):
        filled = np.where(PAST[:, :, np.newaxis], padding, x)
        logits, cache = model.outputs_of(params, batch, x=filled, xp=np)
        dx, gradients = model.input_gradients(doutputs, cache, xp=np)
        assert not dx[PAST].any()
        assert dx[~PAST].any()
        found.append((logits, dx, gradients))
    for logits, dx, gradients in found[1:]:
        assert np.array_equal(logits, found[0][0])
        assert np.array_equal(dx, found[0][1])
        for key, gradient in gradients.items():
            assert np.array_equal(gradient, found[0][2][key]), key


@each_cell
def test_padding_on_every_library(backend, drawn, cell):
    """Logits of sequences alone, by NumPy, and the row that only padding names has the gradient 0.0 exactly."""
    pooling = dict(zip(CELLS, itertools.cycle(POOLINGS), strict=False))[cell]
    model = network(cell=cell, bidirectional=True, pooling=pooling, num_layers=2, embedding_size=3)
    model = replace(model, rows_at_a_time=False)
    params, batch = drawn(model)

    def both(params, batch):
        logits, _ = model.outputs_of(params, batch, xp=backend.xp)
        _, _, cache = model.loss(params, batch, xp=backend.xp)
        return logits, model.gradients(cache, xp=backend.xp)[TABLE]

    placed = tree_map(lambda array: frozen(backend.asarray(array)), (params, batch))
    with without_stalls(backend):
        found = backend.compile(both)(*placed)
    logits, gradient = tree_map(backend.to_host, found)
    for row in range(BATCH):
        assert_allclose(logits[row], results(model, params, alone(batch, row))[0][0], rtol=0.0, atol=1e-12)
    assert not gradient[PADDING].any()
    assert_allclose(gradient, results(model, params, batch)[2][TABLE], rtol=1e-10, atol=1e-13)


@pytest.mark.host
def test_several_labels_padded_are_the_sequences_alone(drawn):
    model = network(cell="gru", bidirectional=True, embedding_size=3, objective="binary_cross_entropy")
    params, batch = drawn(model)
    _, loss, gradients = results(model, params, batch)
    shares = batch.weights / batch.weights.sum()
    singles = [results(model, params, alone(batch, row)) for row in range(BATCH)]
    assert_allclose(loss, sum(share * single[1] for share, single in zip(shares, singles, strict=True)), rtol=1e-12)
    for name, gradient in gradients.items():
        right = sum(share * single[2][name] for share, single in zip(shares, singles, strict=True))
        assert_allclose(gradient, right, rtol=1e-10, atol=1e-13, err_msg=name)


def test_a_tanh_network_that_reads_both_ways_by_hand(backend, drawn):
    """The output layer reads the state after the last word forward, and after the first word backward."""
    model = network(cell="rnn", bidirectional=True, embedding_size=3)
    params, batch = drawn(model)
    outputs, _ = model.outputs_of(*tree_map(backend.asarray, (params, batch)), xp=backend.xp)
    for row, length in enumerate(LENGTHS):
        vectors = params[TABLE][batch.ids[:length, row]]
        ends = []
        for suffix, order in (("", vectors), (".reverse", vectors[::-1])):
            ends.append(tanh_states(params, f"layers.0{suffix}", order)[-1])
        right = np.concatenate(ends) @ params["output.weight"] + params["output.bias"]
        assert_allclose(backend.to_host(outputs)[row], right, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", [case.name for case in training_cases() if "SequenceClassifier" in case.name])
def test_gradients_agree_with_central_differences(check_case, name):
    check_case(name)


@pytest.mark.host
def test_dropout_masks_scale_what_they_keep(drawn, rng):
    """Of the embedding, between layers and before the output: with masks of ones, twice the plain values of each."""
    model = network(cell="rnn", num_layers=2, embedding_size=3, dropout=0.5)
    assert model.masks == (3, HIDDEN, HIDDEN)
    params, batch = drawn(model)
    batch = batch._replace(ids=batch.ids[:, 1:2], lengths=None, targets=batch.targets[1:2], weights=None)
    keep = tuple((rng.random((TIME, 1, size)) < 0.5) * 1.0 for size in (3, HIDDEN))
    keep += (np.asarray([[1.0, 0.0]]),)
    logits, _ = model.outputs_of(params, batch._replace(keep=keep), xp=np)
    x = 2.0 * keep[0][:, 0] * params[TABLE][batch.ids[:, 0]]
    for layer in range(2):
        x = tanh_states(params, f"layers.{layer}", x) * (2.0 * keep[1][:, 0] if layer == 0 else 1.0)
    right = (2.0 * keep[2][0] * x[-1]) @ params["output.weight"] + params["output.bias"]
    assert_allclose(logits[0], right, rtol=1e-12)


@pytest.mark.host
def test_a_frozen_embedding_has_no_gradient(drawn):
    model = network(embedding_size=3, frozen_embedding=True)
    assert (model.row_parameters, model.frozen_parameters) == ((), (TABLE,))
    params, batch = drawn(model)
    _, _, gradients = results(model, params, batch)
    assert sorted(gradients) == sorted({*model.shapes()} - {TABLE})
    _, _, trained = results(replace(model, frozen_embedding=False), params, batch)
    for name, gradient in gradients.items():
        assert np.array_equal(gradient, trained[name]), name


@pytest.mark.host
def test_the_gradient_of_rows_is_that_of_the_table(drawn):
    model = network(embedding_size=3, bidirectional=True)
    assert model.row_parameters == (TABLE,)
    params, batch = drawn(model)
    rows, table = (results(replace(model, rows_at_a_time=lazily), params, batch)[2][TABLE] for lazily in (True, False))
    assert_allclose(rows, table, rtol=1e-13)
    assert network().row_parameters == network().frozen_parameters == ()


@pytest.mark.host
def test_initial_weights(rng):
    model = SequenceClassifier(2000, 3, "lstm", 50, 1, True, 20)
    params = model.init(rng)
    assert {name: array.shape for name, array in params.items()} == model.shapes()
    assert all(np.abs(params[name]).max() <= 1.0 + 1.0 / np.sqrt(50) for name in params if name != TABLE)
    assert 0.9 / 10.0 < np.abs(params["output.weight"]).max() <= 1.0 / 10.0
    small = model.init(rng, 1e-3)
    for name, array in small.items():
        assert array.std() == pytest.approx(1e-3, rel=0.2) if "weight" in name else not array.any(), name


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "elman"}, f"unknown cell 'elman'; known: {', '.join(sorted(CELLS))}"),
        ({"pooling": "min"}, f"unknown pooling 'min'; known: {', '.join(sorted(POOLINGS))}"),
        ({"objective": "hinge"}, "unknown objective 'hinge'"),
        ({"embedding_size": 0}, "embedding_size must be a positive whole number, got 0"),
        ({"num_layers": 0}, "num_layers must be a positive whole number, got 0"),
        ({"dropout": 1.0}, "dropout must be in [0, 1), got 1.0"),
    ],
)
def test_settings_that_make_no_network(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        network(**settings)
