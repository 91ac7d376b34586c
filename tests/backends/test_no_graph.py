"""PyTorch's autograd records nothing, whatever requires gradients among what comes in."""

import copy
import gc

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.backends import tree_flatten, tree_map
from portnn.checking.model_cases import training_cases
from portnn.checking.op_cases import cases
from portnn.optimizers import OPTIMIZERS, as_optimizer
from portnn.optimizers.clipping import clip_by_global_norm, clip_by_value

from ..estimators.examples import EXAMPLES, TABLES, every_estimator, fit, make

pytestmark = [pytest.mark.torch_oracle, pytest.mark.host]

MODELS = {training.name for training in training_cases()}
OPS = {case.name: case for case in cases() if case.name not in MODELS}


@pytest.fixture(scope="module")
def torch_backend():
    return portnn.backend("torch", dtype="float64")


def watched(tree, backend):
    """Arrays on PyTorch, those of floats requiring gradients."""

    def place(array):
        tensor = backend.asarray(np.asarray(array))
        return tensor.requires_grad_() if tensor.dtype.is_floating_point else tensor

    return tree_map(place, tree)


def recorded(tree):
    """Names of the tensors in a tree that hang on a graph."""
    return [name for name, array in tree_flatten(tree, "tree") if getattr(array, "grad_fn", None) is not None]


def tensors_on_a_graph(torch_backend):
    """How many tensors in memory hang on a graph."""
    gc.collect()
    kind = type(torch_backend.asarray(np.zeros(1)))
    return sum(type(each) is kind and each.grad_fn is not None for each in gc.get_objects())


@pytest.mark.parametrize("name", OPS)
def test_a_backward_pass_records_nothing(name, torch_backend):
    _, gradients = OPS[name].function(watched(OPS[name].arrays, torch_backend), xp=torch_backend.xp)
    assert recorded(gradients) == []


@pytest.mark.parametrize("training", list(training_cases()), ids=lambda training: training.name)
def test_a_step_by_hand_records_nothing(training, torch_backend):
    """Gradients of a model, clipped, and an update, with parameters that require gradients."""
    backend, xp, model, batches = torch_backend, torch_backend.xp, training.model, training.batches()
    params = watched(model.init(np.random.default_rng(0)), backend)
    batch = tree_map(backend.asarray, batches.at(0).data)
    carry = tree_map(backend.asarray, model.initial_carry(batches.batch_size))
    _, _, cache = model.loss(params, batch, carry, xp=xp)
    grads = model.gradients(cache, xp=xp)
    assert recorded(grads) == []
    if model.row_parameters:
        return
    grads, norm = clip_by_global_norm(clip_by_value(grads, 1.0, xp=xp), 1.0, xp=xp)
    rate, number = (backend.asarray(np.asarray(each)) for each in (0.1, 1.0))
    params = {name: array for name, array in params.items() if name not in model.frozen_parameters}
    for name in OPTIMIZERS:
        chosen = as_optimizer(name)
        state = chosen.init(params, xp=xp)
        moved = chosen.update(params, grads, state, learning_rate=rate, step=number, xp=xp)
        assert recorded((norm, grads, moved)) == []


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_requires_gradients_trains_like_any_other(name, torch_backend):
    x, y = EXAMPLES[name].data
    weight = np.linspace(1.0, 2.0, len(x))
    xs, weights = watched(x, torch_backend), watched(weight, torch_backend)
    ys = watched(y, torch_backend) if y.dtype.kind == "f" else y
    before = tensors_on_a_graph(torch_backend)
    model = fit(make(name, None), data=(xs, ys, weights), steps=20)
    assert model.backend.name == "torch"
    answers = (model.predict(xs), model.outputs(xs), model.hidden(xs), model.loss_and_gradient(xs, ys, weights)[1])
    model.evaluate(xs, ys, weights)
    assert tensors_on_a_graph(torch_backend) == before
    for array in (*model.params.values(), *(each for _, each in tree_flatten(answers, "answers"))):
        assert not getattr(array, "requires_grad", False)
    plain = fit(make(name, torch_backend), data=(x, y, weight), steps=20)
    for parameter, array in model.params.items():
        assert_allclose(array.numpy(), plain.params[parameter].numpy(), rtol=1e-10)


@pytest.mark.parametrize("name", every_estimator)
def test_parameters_that_require_gradients_are_taken_without(name, torch_backend):
    model = fit(make(name, torch_backend))
    model.params = {key: array.clone().requires_grad_() for key, array in model.params.items()}
    before = tensors_on_a_graph(torch_backend)
    EXAMPLES[name].ask(model)
    copy.deepcopy(model)
    if hasattr(model, "partial_fit") and name in TABLES:
        model.partial_fit(*EXAMPLES[name].data)
    fit(model)
    assert tensors_on_a_graph(torch_backend) == before
    assert not any(array.requires_grad for array in model.params.values())
    copy.deepcopy(model)
    assert all(array.numpy().size for array in model.params.values())


def test_a_callback_may_return_what_hangs_on_a_graph(torch_backend):
    model = make("MLP", torch_backend)
    fit(model, callbacks=[lambda event: {n: (p.clone().requires_grad_() * 1.0) for n, p in event.params.items()}])
    assert recorded(model.params) == []
    assert not any(array.requires_grad for array in model.params.values())


def test_word_vectors_that_require_gradients_are_taken_without(torch_backend):
    table = np.random.default_rng(0).normal(size=(3, 4))
    leaf = watched(table, torch_backend)
    plain = portnn.KeyedVectors(["a", "b", "c"], table)
    before = tensors_on_a_graph(torch_backend)
    for vectors in (leaf, leaf * 1.0, list(leaf)):
        keyed = portnn.KeyedVectors(["a", "b", "c"], vectors)
        assert not getattr(keyed.vectors, "requires_grad", False)
        copy.deepcopy(keyed)
        found = keyed.most_similar(positive=[leaf[0]], topn=3)
        assert [word for word, _ in found] == [word for word, _ in plain.most_similar(positive=[table[0]], topn=3)]
    del vectors, keyed
    assert tensors_on_a_graph(torch_backend) == before
