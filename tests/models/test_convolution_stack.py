"""A stack of convolutions: what it is by PyTorch, what it leaves of a picture, and what it measures."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import tree_map
from portnn.models.convolution_stack import PADDINGS, ConvolutionStack
from portnn.ops import ACTIVATIONS, IMAGE_POOLINGS

SHAPE = (7, 6, 2)

STACKS = {
    "plain": {},
    "one layer": {"channels": (3,)},
    "valid": {"padding": "valid", "kernel": 2, "channels": (3,)},
    "even kernel": {"kernel": 4},
    "mean": {"pooling": "mean", "activation": "tanh"},
    "no pool": {"pool": 1},
    "pool of three": {"channels": (3,), "pool": 3},
    "bump": {"activation": "rbf", "pool": 3, "channels": (2,)},
    "sigmoid": {"activation": "sigmoid"},
    "global": {"global_pooling": True},
    "batch norm": {"batch_norm": True, "momentum": 0.7},
    "batch norm, global, tanh": {"batch_norm": True, "global_pooling": True, "activation": "tanh"},
}
EVERYWHERE = ("plain", "valid", "bump", "batch norm")
"""Those that are tested on every library; all others on the host."""
each = pytest.mark.parametrize(
    "settings",
    [
        pytest.param(settings, id=name, marks=() if name in EVERYWHERE else pytest.mark.host)
        for name, settings in STACKS.items()
    ],
)


def stack(**settings):
    return ConvolutionStack(image_shape=SHAPE, **{"channels": (3, 2), "kernel": 3, **settings})


@pytest.fixture
def drawn(rng):
    """Parameters, variances among them, and pictures."""

    def draw(model, count=5):
        params = {name: rng.normal(size=shape) for name, shape in model.shapes().items()}
        params |= {name: array**2 + 0.5 for name, array in params.items() if name.endswith("var")}
        return params, rng.normal(size=(count, *model.image_shape))

    return draw


@pytest.fixture
def run(backend):
    """Features, gradients and running means on host arrays."""

    def run_all(model, params, x, dfeatures=None, **options):
        params, x = tree_map(backend.asarray, (params, x))
        features, cache = model.forward(params, x, xp=backend.xp, **options)
        dfeatures = np.ones(features.shape) if dfeatures is None else dfeatures
        dx, grads = model.backward(backend.asarray(dfeatures), cache, xp=backend.xp)
        return tree_map(backend.to_host, (features, {"x": dx, **grads}, model.measured(params, cache)))

    return run_all


def torch_features(torch, model, p, x, training):
    """Features by PyTorch's own functions, from parameters in our layout; statistics are updated in place."""
    F, x = torch.nn.functional, x.permute(0, 3, 1, 2)
    shapes = {
        "relu": F.relu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "rbf": lambda z: torch.exp(-(z**2)),
    }
    pool = F.max_pool2d if model.pooling == "max" else F.avg_pool2d
    for names in model.names:
        x = F.conv2d(x, p[names.weight].permute(3, 2, 0, 1), p.get(names.bias), padding=model.padding)
        if model.batch_norm:
            running = (p[names.mean].detach(), p[names.var].detach())  # the same memory
            x = F.batch_norm(x, *running, p[names.scale], p[names.shift], training, 1.0 - model.momentum)
        x = pool(shapes[model.activation](x), model.pool)
    return x.mean(dim=(2, 3)) if model.global_pooling else x.permute(0, 2, 3, 1).flatten(1)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")  # PyTorch 2.13, of a copy
@pytest.mark.torch_oracle
@pytest.mark.parametrize("training", [True, False])
@each
def test_features_gradients_and_running_means_are_those_of_pytorch(run, drawn, rng, settings, training):
    import torch

    model = stack(**settings)
    params, x = drawn(model)
    theirs = {name: torch.tensor(array, requires_grad=True) for name, array in {**params, "x": x}.items()}
    right = torch_features(torch, model, theirs, theirs["x"], training)
    dfeatures = rng.normal(size=tuple(right.shape))
    right.backward(torch.tensor(dfeatures))
    features, grads, measured = run(model, params, x, dfeatures, training=training)
    assert features.shape == (5, model.output_size)
    assert_allclose(features, right.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert sorted(grads) == sorted({"x", *params} - set(model.statistics))
    for name, gradient in grads.items():
        assert_allclose(gradient, theirs[name].grad.numpy(), rtol=1e-9, atol=1e-11, err_msg=name)
    assert sorted(measured) == (sorted(model.statistics) if training else [])
    for name, running in measured.items():
        assert_allclose(running, theirs[name].detach().numpy(), rtol=1e-12, err_msg=name)


@pytest.mark.torch_oracle
def test_running_means_over_several_batches_are_those_of_pytorch(run, drawn, rng):
    """And evaluation takes them."""
    import torch

    model = stack(batch_norm=True, momentum=0.6)
    params, _ = drawn(model)
    theirs = {name: torch.tensor(array) for name, array in params.items()}
    for count in (4, 1, 4):
        x = rng.normal(1.0, 2.0, (count, *SHAPE))
        params |= run(model, params, x, training=True)[2]
        torch_features(torch, model, theirs, torch.tensor(x), True)
    for name in model.statistics:
        assert_allclose(params[name], theirs[name].numpy(), rtol=1e-11, err_msg=name)
    features, _, measured = run(model, params, x)
    assert_allclose(features, torch_features(torch, model, theirs, torch.tensor(x), False).numpy(), rtol=1e-10)
    assert measured == {}


@pytest.mark.host
@pytest.mark.parametrize("activation", [name for name, known in ACTIVATIONS.items() if known.increasing])
def test_pooling_before_an_increasing_activation_is_pooling_after_it(run, drawn, monkeypatch, activation):
    model = stack(activation=activation)
    params, x = drawn(model)
    assert model._pools_first
    first = run(model, params, x)
    monkeypatch.setitem(ACTIVATIONS, activation, ACTIVATIONS[activation]._replace(increasing=False))
    assert not model._pools_first
    after = run(model, params, x)
    assert_allclose(first[0], after[0], rtol=1e-13, atol=1e-15)
    for name, gradient in first[1].items():
        assert_allclose(gradient, after[1][name], rtol=1e-11, atol=1e-14, err_msg=name)


@pytest.mark.host
def test_what_does_not_keep_the_order_is_pooled_afterwards(run, drawn, monkeypatch):
    assert not any(stack(pooling="mean", activation=name)._pools_first for name in ACTIVATIONS)
    model = stack(activation="rbf")
    params, x = drawn(model)
    right = run(model, params, x)[0]
    assert not model._pools_first
    monkeypatch.setitem(ACTIVATIONS, "rbf", ACTIVATIONS["rbf"]._replace(increasing=True))
    assert np.abs(run(model, params, x)[0] - right).max() > 0.1


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "sizes", "output_size"),
    [
        ({}, [(7, 6), (3, 3), (1, 1)], 2),
        ({"pool": 1}, [(7, 6)] * 3, 84),
        ({"pool": 1, "global_pooling": True}, [(7, 6)] * 3, 2),
        ({"padding": "valid", "pool": 1}, [(7, 6), (5, 4), (3, 2)], 12),
        ({"padding": "valid", "kernel": 2, "pool": 2}, [(7, 6), (3, 2), (1, 0)], None),
        ({"pool": 4}, [(7, 6), (1, 1), (0, 0)], None),
        ({"channels": ()}, [(7, 6)], 84),
        ({"channels": (), "global_pooling": True}, [(7, 6)], 2),
    ],
)
def test_sizes_after_each_layer_and_what_leaves_nothing(settings, sizes, output_size):
    if output_size is not None:
        model = stack(**settings)
        assert (list(model.sizes), model.output_size) == (sizes, output_size)
        return
    chosen = {"kernel": 3, "padding": "same", "pool": 2, **settings}
    message = (
        f"convolution 2 leaves nothing of pictures of {sizes[1][0]} x {sizes[1][1]} pixels, with a kernel of "
        f"{chosen['kernel']}, padding {chosen['padding']} and a pool of {chosen['pool']}"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        stack(**settings)


@pytest.mark.host
def test_names_and_shapes_of_parameters():
    assert stack(kernel=2).shapes() == {
        "convolutions.0.weight": (2, 2, 2, 3),
        "convolutions.0.bias": (3,),
        "convolutions.1.weight": (2, 2, 3, 2),
        "convolutions.1.bias": (2,),
    }
    normalised = stack(channels=(3,), batch_norm=True)
    fields = ("scale", "shift", "mean", "var")
    assert list(normalised.shapes()) == ["convolutions.0.weight", *(f"convolutions.0.{field}" for field in fields)]
    assert normalised.statistics == ("convolutions.0.mean", "convolutions.0.var")
    assert stack().statistics == ()


@pytest.mark.host
def test_initial_weights_have_the_documented_range_and_statistics_are_normal(rng):
    model = ConvolutionStack(image_shape=(8, 8, 5), channels=(40, 30), batch_norm=True)
    params = model.init(rng)
    for layer, seen in ((0, 45), (1, 360)):
        assert 0.95 < np.abs(params[f"convolutions.{layer}.weight"]).max() / np.sqrt(6 / seen) <= 1.0
    smooth = ConvolutionStack(image_shape=(8, 8, 5), channels=(40,), activation="tanh").init(rng)
    assert 0.95 < np.abs(smooth["convolutions.0.weight"]).max() / np.sqrt(6 / (45 + 360)) <= 1.0
    assert not smooth["convolutions.0.bias"].any()
    for field, value in (("scale", 1.0), ("shift", 0.0), ("mean", 0.0), ("var", 1.0)):
        assert (params[f"convolutions.1.{field}"] == value).all()
    assert 0.09 < model.init(rng, 0.1)["convolutions.1.weight"].std() < 0.11


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_shape": (7, 6)}, "image_shape must be height, width and channels, got (7, 6)"),
        ({"channels": (3, 0)}, "each of channels must be a positive whole number, got 0"),
        ({"kernel": 0}, "kernel must be a positive whole number, got 0"),
        ({"pool": 0}, "pool must be a positive whole number, got 0"),
        ({"padding": "full"}, f"unknown padding 'full'; known: {', '.join(PADDINGS)}"),
        ({"pooling": "min"}, f"unknown pooling 'min'; known: {', '.join(IMAGE_POOLINGS)}"),
        ({"activation": "step"}, f"unknown activation 'step'; known: {', '.join(ACTIVATIONS)}"),
        ({"momentum": 1.0}, "momentum must be in [0, 1), got 1.0"),
    ],
)
def test_settings_that_make_no_stack(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ConvolutionStack(**{"image_shape": SHAPE, **settings})
