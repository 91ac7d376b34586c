"""Networks of scikit-learn and of PyTorch: the same outputs, and the same weights after one step."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn

ROWS = 20
TOLERANCE = 1e-12


@pytest.fixture
def table(rng):
    X = rng.normal(size=(ROWS, 4))
    return X, X[:, 0] - X[:, 1] * X[:, 2]


def one_step(model, X, y, rate, weights=None):
    model.fit(X, y, weights, steps=1, batch_size=ROWS, shuffle=False, optimizer="sgd", learning_rate=rate,
              progress=False)  # fmt: skip
    return [model.backend.to_host(model.params[name]) for name in model.model.shapes()]


class Perceptron:
    """What scikit-learn's perceptrons have, without scikit-learn."""

    activation, out_activation_ = "tanh", "softmax"
    coefs_ = (np.asarray([[1.0, 0.0]]), np.asarray([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]))
    intercepts_ = (np.zeros(2), np.asarray([0.0, 0.5, 0.0]))
    classes_ = np.asarray(["a", "b", "c"])


@pytest.mark.host
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "regression", "multioutput"])
def test_from_sklearn(kind, activation, table):
    from sklearn import neural_network

    X, score = table
    y = {
        "binary": np.where(score > 0, "yes", "no"), "multiclass": np.digitize(score, [-0.5, 0.5]),
        "multilabel": np.stack([score > 0, X[:, 3] > 0], axis=1).astype(int), "regression": score,
        "multioutput": np.stack([score, X[:, 3]], axis=1),
    }[kind]  # fmt: skip
    regression = kind in ("regression", "multioutput")
    theirs = (neural_network.MLPRegressor if regression else neural_network.MLPClassifier)(
        hidden_layer_sizes=(5, 4), activation=activation, solver="sgd", momentum=0.0, batch_size=ROWS, shuffle=False,
        alpha=0.3, learning_rate_init=0.1, random_state=0,
    )  # fmt: skip
    classes = np.arange(2) if kind == "multilabel" else np.unique(y)
    theirs.partial_fit(X, y, **({} if regression else {"classes": classes}))
    ours = portnn.from_sklearn(theirs, l2=0.3 / ROWS)
    if regression:
        assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=TOLERANCE)
    else:
        assert np.array_equal(ours.predict(X), theirs.predict(X))
        assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=TOLERANCE, atol=TOLERANCE)
    before = theirs.coefs_[0].copy()
    after = one_step(ours, X, y, 0.1)
    theirs.partial_fit(X, y)
    assert np.max(np.abs(theirs.coefs_[0] - before)) > 1e-4
    expected = [array for layer in zip(theirs.coefs_, theirs.intercepts_, strict=True) for array in layer]
    for array, wanted in zip(after, expected, strict=True):
        assert_allclose(array, wanted, rtol=0, atol=TOLERANCE)


def test_from_anything_like_it_on_any_library(backend):
    model = portnn.from_sklearn(Perceptron(), backend=backend)
    assert model.backend is backend
    X = backend.asarray(np.asarray([[2.0], [-2.0]]))
    assert model.predict(X).tolist() == ["a", "c"]
    assert np.array_equal(Perceptron.coefs_[0], [[1.0, 0.0]])
    one_step(model, backend.asarray(np.ones((ROWS, 1))), ["b"] * ROWS, 0.1)
    assert np.array_equal(Perceptron.coefs_[0], [[1.0, 0.0]]), "training wrote into the weights it was given"


@pytest.mark.host
def test_dtype_and_saving(tmp_path):
    assert portnn.from_sklearn(Perceptron()).params["layers.0.weight"].dtype == np.float64
    model = portnn.from_sklearn(Perceptron(), dtype="float32")
    assert model.params["layers.0.weight"].dtype == np.float32
    model.save(tmp_path / "model.safetensors")
    assert portnn.load(tmp_path / "model.safetensors").predict([[2.0]]).tolist() == ["a"]


@pytest.mark.host
def test_messages_for_sklearn():
    with pytest.raises(TypeError, match="object is not a fitted perceptron of scikit-learn: it has no coefs_"):
        portnn.from_sklearn(object())
    odd = Perceptron()
    odd.activation = "swish"
    with pytest.raises(ValueError, match="unknown activation 'swish'; known: identity, rbf, relu, sigmoid, tanh"):
        portnn.from_sklearn(odd)
    odd = Perceptron()
    odd.out_activation_ = "exp"
    with pytest.raises(ValueError, match="unknown out_activation_ 'exp'; known: softmax, logistic, identity"):
        portnn.from_sklearn(odd)
    odd = Perceptron()
    odd.classes_ = np.asarray(["a", "b"])
    with pytest.raises(ValueError, match="cross_entropy: 2 class labels, but the network has 3 outputs"):
        portnn.from_sklearn(odd)


@pytest.fixture
def torch():
    import torch

    torch.manual_seed(0)
    return torch


def sequential(torch, activation, outputs, *last, bias=True):
    kind = getattr(torch.nn, activation)
    layers = [torch.nn.Linear(4, 6, bias=bias), kind(), torch.nn.Linear(6, 5), kind(), torch.nn.Linear(5, outputs)]
    return torch.nn.Sequential(*layers, *last).double()


@pytest.mark.torch_oracle
@pytest.mark.parametrize("activation", ["ReLU", "Tanh", "Sigmoid", "Identity"])
@pytest.mark.parametrize("objective", ["cross_entropy", "squared_error", "binary_cross_entropy"])
def test_from_torch(torch, objective, activation, table, backend):
    X, score = table
    theirs = sequential(
        torch, activation, {"cross_entropy": 3, "squared_error": 2, "binary_cross_entropy": 1}[objective]
    )
    ours = portnn.from_torch(theirs, objective, backend=backend)
    inputs = torch.asarray(X)
    assert_allclose(
        backend.to_host(ours.outputs(backend.asarray(X))), theirs(inputs).detach().numpy(), rtol=0, atol=TOLERANCE
    )
    outputs = theirs(inputs)
    if objective == "cross_entropy":
        y = np.digitize(score, [-0.5, 0.5])
        loss, rate = torch.nn.functional.cross_entropy(outputs, torch.asarray(y)), 0.1
    elif objective == "squared_error":
        y = np.stack([score, X[:, 3]], axis=1)
        # Ours is half the sum over two outputs, theirs the mean over both.
        loss, rate = torch.nn.functional.mse_loss(outputs, torch.asarray(y)), 0.1 / 2 * y.shape[1]
    else:
        y = (score > 0).astype(np.int64)
        wanted = torch.asarray(y[:, None].astype(np.float64))
        loss, rate = torch.nn.functional.binary_cross_entropy_with_logits(outputs, wanted), 0.1
    loss.backward()
    torch.optim.SGD(theirs.parameters(), lr=rate).step()
    after = one_step(ours, backend.asarray(X), y, 0.1)
    for array, wanted in zip(after, theirs.parameters(), strict=True):
        host = wanted.detach().numpy()
        assert_allclose(array, host.T if host.ndim == 2 else host, rtol=0, atol=TOLERANCE)
        assert np.max(np.abs(wanted.grad.numpy())) > 1e-6


@pytest.mark.torch_oracle
@pytest.mark.host
def test_outputs_that_are_probabilities(torch, table):
    X = table[0]
    theirs = sequential(torch, "Tanh", 3, torch.nn.Softmax(dim=1))
    ours = portnn.from_torch(theirs, classes=["a", "b", "c"])
    expected = theirs(torch.asarray(X)).detach().numpy()
    assert_allclose(ours.predict_proba(X), expected, rtol=0, atol=TOLERANCE)
    assert ours.predict(X).tolist() == np.asarray(["a", "b", "c"])[expected.argmax(axis=1)].tolist()
    for outputs in (1, 2):
        theirs = sequential(torch, "Tanh", outputs, torch.nn.Sigmoid())
        found = portnn.from_torch(theirs, "binary_cross_entropy").predict_proba(X)
        assert_allclose(found[:, -outputs:], theirs(torch.asarray(X)).detach().numpy(), rtol=0, atol=TOLERANCE)


@pytest.mark.torch_oracle
@pytest.mark.host
def test_torch_without_biases_or_hidden_layers(torch, table):
    X = table[0]
    theirs = sequential(torch, "ReLU", 2, bias=False)
    assert_allclose(portnn.from_torch(theirs).outputs(X), theirs(torch.asarray(X)).detach().numpy(), atol=TOLERANCE)
    linear = torch.nn.Sequential(torch.nn.Linear(4, 1))
    model = portnn.from_torch(linear, "squared_error")
    assert model.backend.dtype == "float32"
    assert model.predict(X).shape == (ROWS,)
    twice = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2)).double()
    assert_allclose(portnn.from_torch(twice).outputs(X), twice(torch.asarray(X)).detach().numpy(), atol=TOLERANCE)
    weight = twice[0].weight.detach().clone()
    one_step(portnn.from_torch(twice), X, np.arange(ROWS) % 2, 0.1)
    assert torch.equal(twice[0].weight, weight), "training wrote into the weights it was given"


@pytest.mark.torch_oracle
@pytest.mark.host
def test_messages_for_torch(torch):
    nn = torch.nn
    linear, known = nn.Linear(2, 2), "known: Linear, ReLU, Tanh, Sigmoid, Identity, Softmax"
    for modules, message in (
        ((linear, nn.GELU(), linear), f"module 1 is GELU; {known}"),
        ((nn.Sequential(linear),), f"module 0 is Sequential; {known}"),
        ((nn.ReLU(), linear), "the first module must be Linear, got ReLU"),
        ((), "the first module must be Linear, got none"),
        ((linear, nn.ReLU(), linear, nn.Tanh(), linear), "same single activation, got ReLU, Tanh"),
        ((linear, nn.ReLU(), nn.ReLU(), linear), "same single activation, got ReLUReLU"),
        ((linear, nn.Softmax(dim=1), linear), "same single activation, got Softmax"),
        ((linear, nn.ReLU()), "ReLU after the last Linear does not go with the objective 'cross_entropy'"),
        ((linear, nn.Sigmoid()), "Sigmoid after the last Linear does not go with the objective 'cross_entropy'"),
    ):
        with pytest.raises(ValueError, match=message):
            portnn.from_torch(nn.Sequential(*modules))
    with pytest.raises(TypeError, match=r"sequential is Linear, expected torch.nn.Sequential"):
        portnn.from_torch(linear)
    with pytest.raises(ValueError, match="unknown objective 'hinge'; known: binary_cross_entropy, cross"):
        portnn.from_torch(nn.Sequential(linear), "hinge")
    with pytest.raises(ValueError, match="classes are for classifiers"):
        portnn.from_torch(nn.Sequential(linear), "squared_error", classes=[0, 1])
    with pytest.raises(ValueError, match="cross_entropy: 3 class labels, but the network has 2 outputs"):
        portnn.from_torch(nn.Sequential(linear), classes=[0, 1, 2])


@pytest.mark.host
def test_from_a_softmax_classifier_of_portnn(rng):
    from portnn.sklearn import SoftmaxClassifier

    X = rng.normal(size=(60, 3))
    trained = SoftmaxClassifier(random_state=0).fit(X, np.argmax(X, axis=1))
    assert_allclose(portnn.from_sklearn(trained).predict_proba(X), trained.predict_proba(X), rtol=1e-12)
