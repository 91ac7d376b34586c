"""A decoder of features: by PyTorch, sequences side by side as each alone, and step by step as at once."""

import itertools
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn import ops
from portnn.backends import tree_map
from portnn.models import CaptionBatch, ImageClassifier, RecurrentDecoder
from portnn.models.entrance import ENTRANCES
from portnn.models.recurrent_decoder import ENCODER
from portnn.ops import CELLS

VOCABULARY, FEATURES, HIDDEN = 6, 4, 3
LENGTHS = np.asarray([3, 5, 1, 4])
TIME, BATCH = int(LENGTHS.max()), len(LENGTHS)
PAST = np.arange(TIME)[:, np.newaxis] >= LENGTHS

EVERYWHERE = [("lstm", "first", 2), ("gru", "every", 1), ("rnn", "first", 1)]
"""Kinds that are tested on every library; all others on the host."""
every_kind = pytest.mark.parametrize(
    ("cell", "features_at", "num_layers"),
    [
        pytest.param(*kind, marks=() if kind in EVERYWHERE else pytest.mark.host)
        for kind in itertools.product(sorted(CELLS), ENTRANCES, (1, 2))
    ],
)


def network(**settings):
    chosen = {"hidden_size": HIDDEN, "embedding_size": 2, "feature_size": FEATURES, **settings}
    return RecurrentDecoder(vocabulary_size=VOCABULARY, **chosen)


def encoder(**settings):
    return ImageClassifier(image_shape=(4, 5, 2), channels=(3,), hidden=(FEATURES,), outputs=7, **settings)


@pytest.fixture
def drawn(rng):
    """Parameters and a padded batch."""

    def draw(model):
        params = {name: rng.normal(size=shape) for name, shape in model.shapes().items()}
        params |= {name: array**2 + 0.5 for name, array in params.items() if name.endswith("var")}
        shape = (model.feature_size,) if model.encoder is None else model.encoder.image_shape
        ids = rng.integers(0, VOCABULARY, (2, TIME, BATCH))
        return params, CaptionBatch(rng.normal(size=(BATCH, *shape)), *ids, (~PAST).astype(np.float64))

    return draw


@pytest.fixture
def results(backend):
    """Logits, loss, gradient of the features and gradients on host arrays."""

    def evaluate(model, params, batch):
        params, batch = tree_map(backend.asarray, (params, batch))
        logits, _ = model.logits(params, batch, training=True, xp=backend.xp)
        loss, carry, cache = model.loss(params, batch, xp=backend.xp)
        assert carry == ()
        dlogits = ops.cross_entropy_backward(1.0, cache.loss, xp=backend.xp)
        dfeatures, _ = model.backward(dlogits, cache.logits, xp=backend.xp)
        found = (logits, loss, dfeatures, model.gradients(cache, xp=backend.xp))
        return tree_map(backend.to_host, found)

    return evaluate


def torch_logits(torch, model, p, features, inputs):
    """Logits (time, batch, vocabulary) by PyTorch's layers, from features and parameters in our layout."""
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[model.cell]
    layers = kind(model.embedding_size, model.hidden_size, model.num_layers).double()
    fields = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ours = {f"{f}_l{k}": p[f"layers.{k}.{f}"] for k in range(model.num_layers) for f in fields}
    weights = {name: tensor.T if tensor.ndim == 2 else tensor for name, tensor in ours.items()}
    u = features @ p["entrance.weight"] + p["entrance.bias"]
    x = torch.nn.functional.embedding(inputs, p["embedding.weight"])
    states = None
    if model.features_at == "every":
        x = x + u
    else:
        several, size = (2 if model.cell == "lstm" else 1), model.hidden_size
        pieces = [torch.tanh(piece) for piece in torch.split(u, size, dim=1)]
        states = tuple(torch.stack(pieces[k::several]) for k in range(several))
        states = states if several == 2 else states[0]
    y, _ = torch.func.functional_call(layers, weights, (x,) if states is None else (x, states))
    return y @ p["output.weight"] + p["output.bias"]


def torch_loss(torch, logits, batch):
    each = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), torch.tensor(batch.targets).flatten(), reduction="none"
    )
    weights = torch.tensor(batch.weights).flatten()
    return (each * weights).sum() / weights.sum()


@pytest.mark.torch_oracle
@every_kind
def test_loss_and_all_gradients_are_those_of_pytorch(results, drawn, cell, features_at, num_layers):
    import torch

    model = network(cell=cell, features_at=features_at, num_layers=num_layers)
    params, batch = drawn(model)
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    features = torch.tensor(batch.features, requires_grad=True)
    right = torch_logits(torch, model, theirs, features, torch.tensor(batch.inputs))
    right_loss = torch_loss(torch, right, batch)
    right_loss.backward()
    logits, loss, dfeatures, grads = results(model, params, batch)
    assert_allclose(logits, right.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert_allclose(loss, right_loss.item(), rtol=1e-12)
    assert_allclose(dfeatures, features.grad.numpy(), rtol=1e-10, atol=1e-13)
    assert sorted(grads) == sorted(params) == sorted(model.shapes())
    for name, gradient in grads.items():
        assert_allclose(gradient, theirs[name].grad.numpy(), rtol=1e-10, atol=1e-13, err_msg=name)


@pytest.mark.torch_oracle
@pytest.mark.parametrize("batch_norm", [False, True])
def test_through_an_encoder_the_gradients_are_those_of_pytorch(results, drawn, batch_norm):
    """Of images and of its parameters; the last layer of the classifier has no part in it."""
    import torch

    model = network(cell="gru", encoder=encoder(batch_norm=batch_norm, l2=0.1))
    params, batch = drawn(model)
    assert not any(name.startswith(f"{ENCODER}layers.1") for name in params)
    p = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    images, F = torch.tensor(batch.features, requires_grad=True), torch.nn.functional
    name = f"{ENCODER}convolutions.0."
    x = F.conv2d(images.permute(0, 3, 1, 2), p[f"{name}weight"].permute(3, 2, 0, 1), p.get(f"{name}bias"), padding=1)
    if batch_norm:
        x = F.batch_norm(x, None, None, p[f"{name}scale"], p[f"{name}shift"], True)
    x = F.max_pool2d(torch.relu(x), 2).permute(0, 2, 3, 1).flatten(1)
    features = torch.relu(x @ p[f"{ENCODER}layers.0.weight"] + p[f"{ENCODER}layers.0.bias"])
    right = torch_loss(torch, torch_logits(torch, model, p, features, torch.tensor(batch.inputs)), batch)
    penalty = 0.05 * sum((p[key] ** 2).sum() for key in p if key.startswith(ENCODER) and key.endswith("weight"))
    (right + penalty).backward()
    _, loss, dimages, grads = results(model, params, batch)
    assert_allclose(loss, right.item(), rtol=1e-12)
    assert_allclose(dimages, images.grad.numpy(), rtol=1e-9, atol=1e-12)
    assert sorted(grads) == sorted(set(params) - set(model.frozen_parameters))
    for key, gradient in grads.items():
        assert_allclose(gradient, p[key].grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.host
@every_kind
def test_a_padded_batch_is_its_captions_alone(results, drawn, cell, features_at, num_layers):
    """And what stands in padding, inputs or targets, does not matter."""
    model = network(cell=cell, features_at=features_at, num_layers=num_layers)
    params, batch = drawn(model)
    logits, loss, dfeatures, grads = results(model, params, batch)
    other = batch._replace(inputs=np.where(PAST, 2, batch.inputs), targets=np.where(PAST, 0, batch.targets))
    _, other_loss, other_dfeatures, other_grads = results(model, params, other)
    assert other_loss == loss
    assert np.array_equal(other_dfeatures, dfeatures)
    right = {name: np.zeros(shape) for name, shape in model.shapes().items()}
    right_loss = 0.0
    for row, length in enumerate(LENGTHS):
        sequences = (array[:length, row : row + 1] for array in batch[1:4])
        alone = results(model, params, CaptionBatch(batch.features[row : row + 1], *sequences))
        share = length / LENGTHS.sum()
        assert_allclose(logits[:length, row], alone[0][:, 0], rtol=0.0, atol=1e-12)
        assert_allclose(dfeatures[row], share * alone[2][0], rtol=1e-9, atol=1e-13)
        right_loss += share * alone[1]
        right = {name: array + share * alone[3][name] for name, array in right.items()}
    assert_allclose(loss, right_loss, rtol=1e-12)
    for name, gradient in grads.items():
        assert_allclose(gradient, right[name], rtol=1e-9, atol=1e-12, err_msg=name)
        assert_allclose(other_grads[name], gradient, rtol=1e-12, atol=1e-15, err_msg=name)


@every_kind
def test_step_by_step_are_the_logits_of_the_whole(backend, drawn, cell, features_at, num_layers):
    model = network(cell=cell, features_at=features_at, num_layers=num_layers)
    params, batch = tree_map(backend.asarray, drawn(model))
    whole = backend.to_host(model.logits(params, batch, xp=backend.xp)[0])
    states, added = model.start(params, batch.features, xp=backend.xp)
    assert (added is None) == (features_at == "first")
    step = model.stepper(params, batch.inputs[0, ...], states, xp=backend.xp)
    for time in range(TIME):
        logits, states = step(batch.inputs[time, ...], states, added)
        assert_allclose(backend.to_host(logits), whole[time], rtol=1e-12, atol=1e-13)


def test_an_encoder_in_evaluation_is_the_network_itself(backend, drawn):
    """With the running means of its batch normalisation; in training with those of the batch, which it measures."""
    model = network(cell="rnn", encoder=encoder(batch_norm=True))
    params, batch = tree_map(backend.asarray, drawn(model))
    of_net = {name.removeprefix(ENCODER): array for name, array in params.items() if name.startswith(ENCODER)}
    features, _ = model.features_of(params, batch.features, xp=backend.xp)
    right, _ = model.encoder.features_of(of_net, batch.features, xp=backend.xp)
    assert np.array_equal(backend.to_host(features), backend.to_host(right))
    plain = network(cell="rnn")
    here, there = model.mean_loss(params, batch, xp=backend.xp), batch._replace(features=right)
    assert_allclose(float(here), float(plain.mean_loss(params, there, xp=backend.xp)), rtol=1e-14)
    loss, _, cache = model.loss(params, batch, xp=backend.xp)
    assert abs(float(loss) - float(here)) > 1e-6
    measured = model.measured(params, cache, xp=backend.xp)
    assert sorted(measured) == sorted(model.frozen_parameters)
    assert sorted(model.frozen_parameters) == [f"{ENCODER}convolutions.0.{field}" for field in ("mean", "var")]
    _, stack = model.encoder.stack.forward(of_net, batch.features, training=True, xp=backend.xp)
    for name, running in model.encoder.stack.measured(of_net, stack).items():
        assert np.array_equal(backend.to_host(measured[ENCODER + name]), backend.to_host(running))


@pytest.mark.host
def test_dropout_masks_scale_what_they_keep(drawn, rng):
    """Of the words' vectors and of each layer's outputs, by a network whose states pass on nothing."""
    model = network(cell="rnn", num_layers=2, dropout=0.5, features_at="every")
    assert model.masks == (2, HIDDEN, HIDDEN)
    assert network().masks == ()
    params, batch = drawn(model)
    params |= {name: 0.0 * array for name, array in params.items() if "weight_hh" in name}
    keep = tuple((rng.random((TIME, BATCH, size)) < 0.5) * 1.0 for size in model.masks)
    logits, _ = model.logits(params, batch._replace(keep=keep), xp=np)
    x = params["embedding.weight"][batch.inputs] + batch.features @ params["entrance.weight"] + params["entrance.bias"]
    x = 2.0 * keep[0] * x
    for layer in range(2):
        biases = params[f"layers.{layer}.bias_ih"] + params[f"layers.{layer}.bias_hh"]
        x = 2.0 * keep[1 + layer] * np.tanh(x @ params[f"layers.{layer}.weight_ih"] + biases)
    assert_allclose(logits, x @ params["output.weight"] + params["output.bias"], rtol=1e-11, atol=1e-13)


@pytest.mark.host
def test_initial_weights(rng):
    model = RecurrentDecoder(
        vocabulary_size=400, feature_size=100, hidden_size=25, embedding_size=30, encoder=encoder(batch_norm=True)
    )
    params = model.init(rng)
    assert {name: array.shape for name, array in params.items()} == model.shapes()
    assert 0.095 < params["embedding.weight"].std() < 0.105
    assert 0.095 < np.abs(params["entrance.weight"]).max() <= 0.1
    assert 0.19 < np.abs(params["output.weight"]).max() <= 0.2
    assert (params["layers.0.bias_ih"][25:50] == 1.0).all()
    assert (params[f"{ENCODER}convolutions.0.var"] == 1.0).all()
    assert np.abs(params[f"{ENCODER}convolutions.0.weight"]).max() > 0.5
    for name, array in model.init(rng, 1e-3).items():
        if not name.startswith(ENCODER):
            assert array.std() == pytest.approx(1e-3, rel=0.2) if "weight" in name else not array.any(), name


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cell": "elman"}, f"unknown cell 'elman'; known: {', '.join(sorted(CELLS))}"),
        ({"features_at": "last"}, f"unknown features_at 'last'; known: {', '.join(ENTRANCES)}"),
        ({"feature_size": 0}, "feature_size must be a positive whole number, got 0"),
        ({"embedding_size": 0}, "embedding_size must be a positive whole number, got 0"),
        ({"dropout": 1.0}, "dropout must be in [0, 1), got 1.0"),
    ],
)
def test_settings_that_make_no_network(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        network(**settings)
