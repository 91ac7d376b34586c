"""A classifier of pictures: by PyTorch, with its penalty, its dropout and its running means."""

import itertools
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.backends import tree_map
from portnn.batches import RowBatches
from portnn.checkpoints import load_checkpoint
from portnn.models import ImageClassifier, RowBatch
from portnn.models.image_classifier import ENTRIES
from portnn.objectives import OBJECTIVES
from portnn.optimizers import Adam
from portnn.training import init_optimizer, make_step

SHAPE = (6, 5, 2)

NETWORKS = {
    "no hidden layer": {"hidden": ()},
    "hidden layers, penalty": {"hidden": (5, 4), "l2": 0.3},
    "global": {"global_pooling": True, "activation": "tanh"},
    "batch norm, penalty": {"batch_norm": True, "l2": 0.2, "momentum": 0.8},
    "no convolution": {"channels": (), "activation": "sigmoid"},
}


def network(**settings):
    return ImageClassifier(image_shape=SHAPE, **{"channels": (3, 2), "hidden": (4,), "outputs": 3, **settings})


@pytest.fixture
def drawn(rng):
    """Parameters and a batch."""

    def draw(model, count=6):
        params = {name: rng.normal(size=shape) for name, shape in model.shapes().items()}
        params |= {name: array**2 + 0.5 for name, array in params.items() if name.endswith("var")}
        one_class = OBJECTIVES[model.objective].label.class_count(model.outputs) is not None
        targets = rng.integers(0, 3, count) if one_class else rng.random((count, model.outputs))
        return params, RowBatch(rng.normal(size=(count, *SHAPE)), targets, rng.random(count) + 0.2)

    return draw


@pytest.fixture
def evaluate(backend):
    """Loss and gradients on host arrays."""

    def both(model, params, batch):
        params, batch = tree_map(backend.asarray, (params, batch))
        loss, _, cache = model.loss(params, batch, xp=backend.xp)
        return float(loss), tree_map(backend.to_host, model.gradients(cache, xp=backend.xp))

    return both


def sequential(torch, model, params):
    """The network of PyTorch with the same parameters, for pictures whose channels come first."""
    nn, layers = torch.nn, []
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[model.activation]
    before = SHAPE[2]
    for channels in model.channels:
        layers.append(nn.Conv2d(before, channels, model.kernel, padding="same", bias=not model.batch_norm))
        layers += [nn.BatchNorm2d(channels, momentum=1.0 - model.momentum)] if model.batch_norm else []
        layers += [activation(), nn.MaxPool2d(model.pool)]
        before = channels
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if model.global_pooling else [nn.Flatten()]
    sizes = model.head.sizes
    for layer, (size, units) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.Linear(size, units), *([activation()] if layer < len(sizes) - 2 else [])]
    net = nn.Sequential(*layers).double()
    with torch.no_grad():
        for ours, theirs in zip(params, tensors(net), strict=True):
            theirs.copy_(torch.tensor(as_pytorch(model, ours, params[ours])))
    return net


def tensors(net):
    """Parameters and statistics in our order."""
    for layer in net:
        yield from layer.parameters()
        yield from (tensor for tensor in layer.buffers() if tensor.ndim)  # no count of batches


def as_pytorch(model, name, array):
    """Ours has channels last, in the rows of a weight that follow from them, too."""
    if name.startswith("convolutions"):
        return array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
    if name == "layers.0.weight" and not model.global_pooling:
        channels = (SHAPE[2], *model.channels)[-1]
        array = array.reshape(*model.stack.sizes[-1], channels, -1).transpose(2, 0, 1, 3).reshape(array.shape)
    return array.T


@pytest.mark.torch_oracle
@pytest.mark.parametrize("settings", NETWORKS.values(), ids=NETWORKS)
def test_outputs_and_gradients_are_those_of_pytorch(evaluate, backend, drawn, settings):
    import torch

    model = network(**settings)
    params, batch = drawn(model)
    net, x = sequential(torch, model, params), torch.tensor(batch.x.transpose(0, 3, 1, 2))
    placed = tree_map(backend.asarray, (params, batch.x))
    outputs = backend.to_host(model.outputs_of(*placed, xp=backend.xp)[0])
    assert_allclose(outputs, net.eval()(x).detach().numpy(), rtol=1e-10, atol=1e-12)
    each = torch.nn.functional.cross_entropy(net.train()(x), torch.tensor(batch.targets), reduction="none")
    weights = torch.tensor(batch.weights)
    right = (each * weights).sum() / weights.sum()
    right += model.l2 / 2 * sum((tensor**2).sum() for tensor in net.parameters() if tensor.ndim > 1)
    right.backward()
    loss, grads = evaluate(model, params, batch)
    assert_allclose(loss, right.item(), rtol=1e-12)
    trained = [name for name in params if name not in model.frozen_parameters]
    assert sorted(grads) == sorted(trained)
    for name, tensor in zip(trained, net.parameters(), strict=True):
        assert_allclose(as_pytorch(model, name, grads[name]), tensor.grad.numpy(), rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.torch_oracle
def test_training_with_batch_normalisation_is_that_of_pytorch(backend, drawn):
    """The loss at each of forty steps, the running means after them, and evaluation by these."""
    import torch

    model = network(batch_norm=True, momentum=0.8)
    params, rows = drawn(model, 20)
    rows = rows._replace(weights=None)
    net = sequential(torch, model, params)
    theirs, optimizer = torch.optim.Adam(net.parameters(), lr=0.01, eps=1e-10), Adam(eps=1e-10)
    step, placed = make_step(model, optimizer, backend), tree_map(backend.asarray, params)
    state = [placed, init_optimizer(optimizer, model, placed, backend)]
    source, losses = RowBatches(tree_map(backend.asarray, rows), backend, batch_size=10, seed=0), []
    for position in range(40):
        batch = source.at(position).data
        rate, number = (backend.asarray(np.float64(value)) for value in (0.01, position + 1))
        result = step(*state, batch, (), rate, number)
        state = [result.params, result.optimizer_state]
        kinds = ((batch.x, np.float64), (batch.targets, np.int64))
        x, targets = (torch.tensor(np.array(backend.to_host(array), dtype)) for array, dtype in kinds)
        right = torch.nn.functional.cross_entropy(net(x.permute(0, 3, 1, 2)), targets)
        losses.append((float(result.loss), right.item()))
        theirs.zero_grad()
        right.backward()
        theirs.step()
    assert_allclose(*zip(*losses, strict=True), rtol=1e-7)
    assert losses[-1][0] < losses[0][0] * 0.7
    found = tree_map(backend.to_host, state[0])
    for name, tensor in zip(params, tensors(net), strict=True):
        right = tensor.detach().numpy()
        assert_allclose(as_pytorch(model, name, found[name]), right, rtol=1e-6, atol=1e-7, err_msg=name)
    outputs = model.outputs_of(state[0], backend.asarray(rows.x), xp=backend.xp)[0]
    right = net.eval()(torch.tensor(rows.x.transpose(0, 3, 1, 2))).detach().numpy()
    assert_allclose(backend.to_host(outputs), right, rtol=1e-5, atol=1e-6)


def test_running_means_are_saved_and_evaluation_uses_them(backend, rng, tmp_path):
    images, labels = rng.normal(3.0, 2.0, (20, 6, 5, 2)), np.arange(20) % 2
    net = portnn.ConvNet(channels=(3,), hidden=(), batch_norm=True, seed=0, backend=backend, dtype="float64")
    net.fit(images, labels, epochs=20, batch_size=10, progress=False)
    net.save(tmp_path / "net.safetensors")
    arrays, _ = load_checkpoint(tmp_path / "net.safetensors")
    for name in net.model.frozen_parameters:
        saved = next(array for key, array in arrays.items() if key.endswith(name))
        assert_allclose(saved, backend.to_host(net.params[name]), rtol=0.0)
        assert not np.allclose(saved, 0.0 if name.endswith("mean") else 1.0, atol=0.05)
    right = net.outputs(images)
    again = portnn.load(tmp_path / "net.safetensors", backend=backend)
    assert np.array_equal(again.outputs(images), right)
    alone = np.concatenate([net.outputs(images[k : k + 1]) for k in range(20)])
    assert_allclose(alone, right, rtol=1e-10, atol=1e-12)
    for name in net.model.frozen_parameters:
        net.params[name] = net.params[name] + 1.0
        before, right = right, net.outputs(images)
        assert np.abs(right - before).max() > 1e-3


def test_the_penalty_is_on_weights_alone(evaluate, drawn):
    plain, penalised = (network(l2=l2, batch_norm=True) for l2 in (0.0, 0.3))
    params, batch = drawn(plain)
    (loss, grads), (more, steeper) = evaluate(plain, params, batch), evaluate(penalised, params, batch)
    weights = {name: params[name] for name in params if name.endswith("weight")}
    assert len(weights) == 4
    assert_allclose(more - loss, 0.15 * sum(np.sum(weight**2) for weight in weights.values()), rtol=1e-10)
    for name, gradient in grads.items():
        right = 0.3 * weights.get(name, 0.0) * np.ones_like(gradient)
        assert_allclose(steeper[name] - gradient, right, rtol=1e-9, atol=1e-12)


def test_dropout_masks_scale_what_they_keep(backend, drawn, rng):
    """Of the features and of hidden layers, in outputs and in the gradient of pictures."""
    model = network(dropout=0.5, activation="tanh")
    params, batch = drawn(model)
    assert model.masks == (model.stack.output_size, 4) == (2, 4)
    assert network().masks == ()
    keep = tuple((rng.random((6, size)) < 0.5) * 1.0 for size in model.masks)
    placed = tree_map(backend.asarray, (params, batch.x, keep))
    outputs, cache = model.outputs_of(*placed, xp=backend.xp)
    features = model.stack.forward(params, batch.x, xp=np)[0]
    hidden = np.tanh(2.0 * keep[0] * features @ params["layers.0.weight"] + params["layers.0.bias"])
    right = 2.0 * keep[1] * hidden @ params["layers.1.weight"] + params["layers.1.bias"]
    assert_allclose(backend.to_host(outputs), right, rtol=1e-11, atol=1e-13)
    dx, grads = model.backward(backend.asarray(np.ones((6, 3))), cache, xp=backend.xp)
    for picture in range(6):  # a picture of which nothing is kept has no gradient
        silent = not keep[0][picture].any() or not keep[1][picture].any()
        assert backend.to_host(dx)[picture].any() != silent
    for unit in range(4):
        assert backend.to_host(grads["layers.1.weight"])[unit].any() == keep[1][:, unit].any()


@pytest.mark.host
def test_features_are_what_the_last_layer_reads(drawn):
    model = network(hidden=(5, 4))
    params, batch = drawn(model)
    features = model.features_of(params, batch.x, xp=np)[0]
    outputs = model.outputs_of(params, batch.x, xp=np)[0]
    assert features.shape == (6, model.feature_size) == (6, 4)
    assert_allclose(features @ params["layers.2.weight"] + params["layers.2.bias"], outputs, rtol=1e-12)
    layers = model.layers_of(params, batch.x, xp=np)
    assert [layer.shape for layer in layers] == [(6, 3, 2, 3), (6, 1, 1, 2), (6, 5), (6, 4)]
    assert np.array_equal(layers[-1], features)
    assert {*model.shapes()} - {*model.feature_shapes()} == {"layers.2.weight", "layers.2.bias"}
    assert network(hidden=()).feature_size == 2


@pytest.mark.host
def test_pictures_at_a_time_follow_from_the_outputs_of_convolutions():
    assert network().width == 6 * 5 * 3 + 3 * 2 * 2
    assert network(padding="valid", pool=1).width == 4 * 3 * 3 + 2 * 1 * 2
    assert network().rows_at_a_time == ENTRIES // 102


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"outputs": 0}, "outputs must be a positive whole number, got 0"),
        ({"hidden": (0,)}, "each of hidden must be a positive whole number, got 0"),
        ({"objective": "hinge"}, f"unknown objective 'hinge'; known: {', '.join(OBJECTIVES)}"),
        ({"l2": -1.0}, "l2 must be 0 or a positive number, got -1.0"),
        ({"dropout": 1.0}, "dropout must be in [0, 1), got 1.0"),
        ({"channels": (3, 3, 3)}, "convolution 3 leaves nothing of pictures of 1 x 1 pixels"),
    ],
)
def test_settings_that_make_no_network(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        network(**settings).init(np.random.default_rng(0))
