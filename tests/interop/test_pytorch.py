"""Networks of PyTorch: the same outputs, and the same weights after one step."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.objectives import OBJECTIVES

ROWS = 20
TOLERANCE = 1e-12


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
def test_from_torch(torch, objective, activation, table, backend, one_step):
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
        probabilities = portnn.from_torch(theirs, "binary_cross_entropy").predict_proba(X)
        assert_allclose(probabilities[:, -outputs:], theirs(torch.asarray(X)).detach().numpy(), rtol=0, atol=TOLERANCE)


@pytest.mark.torch_oracle
@pytest.mark.host
def test_torch_without_biases_or_hidden_layers(torch, table, one_step):
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
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_weights_of_half_precision(torch, dtype):
    half = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2)).to(getattr(torch, dtype))
    model = portnn.from_torch(half)
    assert model.backend.dtype == "float32"
    assert np.array_equal(model.params["layers.0.weight"], half[0].weight.detach().float().numpy().T)


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
    with pytest.raises(ValueError, match=f"unknown objective 'hinge'; known: {', '.join(OBJECTIVES)}"):
        portnn.from_torch(nn.Sequential(linear), "hinge")
    with pytest.raises(ValueError, match="classes are for classifiers"):
        portnn.from_torch(nn.Sequential(linear), "squared_error", classes=[0, 1])
    with pytest.raises(ValueError, match="cross_entropy: 3 class labels, but the network has 2 outputs"):
        portnn.from_torch(nn.Sequential(linear), classes=[0, 1, 2])
