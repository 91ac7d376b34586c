import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import tree_map
from portnn.models import FeedForward, RowBatch
from portnn.objectives import OBJECTIVES
from portnn.ops import ACTIVATIONS

NAMES = [*ACTIVATIONS, *OBJECTIVES]

BY_HAND = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "rbf": lambda z: np.exp(-(z**2)),
}


@pytest.fixture
def drawn(rng):
    """Parameters and a batch for a model."""

    def draw(model, rows=6):
        params = {name: rng.normal(size=shape) for name, shape in model.shapes().items()}
        x, n = rng.normal(size=(rows, model.sizes[0])), model.sizes[-1]
        one_class = OBJECTIVES[model.objective].label.class_count(n) is not None
        targets = rng.integers(0, n, rows) if one_class else rng.random((rows, n))
        return params, RowBatch(x, targets, rng.random(rows))

    return draw


@pytest.fixture
def evaluate(backend):
    """Loss and gradients on host arrays."""

    def both(model, params, batch):
        params, batch = tree_map(backend.asarray, (params, batch))
        loss, carry, cache = model.loss(params, batch, (), xp=backend.xp)
        assert carry == ()
        return float(loss), tree_map(backend.to_host, model.gradients(cache, xp=backend.xp))

    return both


@pytest.mark.parametrize("name", NAMES)
def test_gradients_agree_with_central_differences(check_case, name):
    check_case(f"FeedForward {name}")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_outputs_equal_the_formula(backend, drawn, activation):
    model = FeedForward((3, 4, 5, 2), activation)
    params, batch = drawn(model)
    placed, x = tree_map(backend.asarray, (params, batch.x))
    outputs, _ = model.outputs_of(placed, x, xp=backend.xp)
    hidden = model.layers_of(placed, x, xp=backend.xp)
    formula = BY_HAND.get(activation, lambda z: ACTIVATIONS[activation].forward(z, xp=np)[0])
    by_hand = [batch.x]
    for layer in range(3):
        z = by_hand[-1] @ params[f"layers.{layer}.weight"] + params[f"layers.{layer}.bias"]
        by_hand.append(formula(z) if layer < 2 else z)
    assert_allclose(backend.to_host(outputs), by_hand[-1], rtol=1e-11, atol=1e-13)
    assert len(hidden) == 2
    for ours, expected in zip(hidden, by_hand[1:3], strict=True):
        assert_allclose(backend.to_host(ours), expected, rtol=1e-12, atol=1e-14)


def test_a_linear_model_has_no_hidden_outputs(backend, drawn):
    model = FeedForward((3, 2))
    params, batch = drawn(model)
    assert model.layers_of(*tree_map(backend.asarray, (params, batch.x)), xp=backend.xp) == ()


def test_the_penalty_is_on_weights_and_not_on_biases(evaluate, drawn):
    plain, penalized = FeedForward((3, 4, 2)), FeedForward((3, 4, 2), l2=0.3)
    params, batch = drawn(plain)
    (loss, grads), (more, steeper) = evaluate(plain, params, batch), evaluate(penalized, params, batch)
    weights = {name: params[name] for name in params if name.endswith("weight")}
    assert_allclose(more - loss, 0.15 * sum(np.sum(weight**2) for weight in weights.values()), rtol=1e-10)
    for name in params:
        assert_allclose(
            steeper[name] - grads[name], 0.3 * weights.get(name, 0.0) * np.ones_like(params[name]), atol=1e-12
        )


def test_dropout_masks_scale_what_they_keep(backend, drawn):
    model = FeedForward((3, 4, 2), "tanh", dropout=0.5)
    params, batch = drawn(model)
    keep = np.asarray([[1.0, 0.0, 1.0, 0.0]] * 6)
    placed, x, mask = tree_map(backend.asarray, (params, batch.x, keep))
    outputs, _ = model.outputs_of(placed, x, (mask,), xp=backend.xp)
    hidden = 2.0 * keep * np.tanh(batch.x @ params["layers.0.weight"] + params["layers.0.bias"])
    right = hidden @ params["layers.1.weight"] + params["layers.1.bias"]
    assert_allclose(backend.to_host(outputs), right, rtol=1e-12, atol=1e-14)


@pytest.mark.host
def test_initial_weights_have_the_documented_range_and_biases_are_zero():
    params = FeedForward((30, 50, 20), "relu").init(np.random.default_rng(0))
    for layer, bound in ((0, np.sqrt(6 / 30)), (1, np.sqrt(6 / 70))):
        weight = params[f"layers.{layer}.weight"]
        assert 0.95 * bound < np.max(np.abs(weight)) <= bound
        assert not np.any(params[f"layers.{layer}.bias"])
    tanh = FeedForward((30, 50, 20), "tanh").init(np.random.default_rng(0))
    assert np.max(np.abs(tanh["layers.0.weight"])) <= np.sqrt(6 / 80)
    normal = FeedForward((30, 50, 20)).init(np.random.default_rng(0), 0.1)
    assert 0.095 < np.std(normal["layers.0.weight"]) < 0.105


@pytest.mark.host
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((3,),), r"needs the sizes of its inputs and outputs, got \(3,\)"),
        (((3, 0, 2),), "each of sizes must be a positive whole number, got 0"),
        (((3, 2.5, 2),), "got 2.5"),
        (((3, True, 2),), "got True"),
        (((3, 2), "none such"), f"unknown activation 'none such'; known: {', '.join(sorted(ACTIVATIONS))}"),
        (((3, 2), "relu", "hinge"), f"unknown objective 'hinge'; known: {', '.join(OBJECTIVES)}"),
        (((3, 2), "relu", "cross_entropy", -1.0), "l2 must be 0 or a positive number, got -1.0"),
        (((3, 2), "relu", "cross_entropy", np.nan), "l2 must be 0 or a positive number, got nan"),
        (((3, 2), "relu", "cross_entropy", 0.0, 1.0), r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_arguments_that_make_no_network(arguments, message):
    with pytest.raises(ValueError, match=message):
        FeedForward(*arguments)
