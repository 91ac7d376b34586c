"""Numbers of any library as arguments of ops: the same as Python's, and no array becomes wider for them."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from portnn import ops
from portnn.backends import one_hot, tree_map
from portnn.optimizers.clipping import clip_by_global_norm, clip_by_value

KINDS = [np.float32, np.float64, Fraction, Decimal]
"""Types of a number; 0-d arrays of the library under test come beside them."""


def ones(backend, *shape):
    return backend.asarray(np.ones(shape))


def losses(backend):
    """Every loss with its backward pass and its cache."""
    pair, weights = (ones(backend, 2, 3), ones(backend, 2, 3)), ones(backend, 2)
    for name in ("cross_entropy", "squared_error", "binary_cross_entropy"):
        for arrays in (pair, (*pair, weights)):
            yield getattr(ops, f"{name}_backward"), getattr(ops, name)(*arrays)[1]
    block, drawn = ones(backend, 1, 2, 3), ones(backend, 1, 2, 2)
    yield ops.negative_sampling_backward, ops.negative_sampling(block, block, drawn, positives=1)[1]
    yield ops.logistic_pairs_backward, ops.logistic_pairs(block, block, ones(backend, 1, 2))[1]


def same(tree, other, backend):
    """Whether two trees of arrays are equal, all in the backend's dtype."""
    equal = []
    tree_map(lambda a, b: equal.append(backend.to_host(a).tobytes() == backend.to_host(b).tobytes()), tree, other)
    return equal != [] and all(equal)


@pytest.fixture(params=[*KINDS, "0-d"], ids=lambda kind: getattr(kind, "__name__", kind))
def half(request, backend32):
    """One half, as a number of some library."""
    return backend32.asarray(np.asarray(0.5)) if request.param == "0-d" else request.param(0.5)


def test_gradients_of_losses(backend32, half):
    for backward, cache in losses(backend32):
        assert same(backward(half, cache), backward(0.5, cache), backend32), backward.__name__


def test_rate_of_dropout(backend32, half):
    x = ones(backend32, 2, 3)
    assert same(ops.dropout(x, x, rate=half), ops.dropout(x, x, rate=0.5), backend32)


def test_limits_of_clipping(backend32, half):
    grads, xp = {"a": ones(backend32, 3), "b": ones(backend32, 2, 2)}, backend32.xp
    assert same(clip_by_global_norm(grads, half, xp=xp), clip_by_global_norm(grads, 0.5, xp=xp), backend32)
    assert same(clip_by_value(grads, half, xp=xp), clip_by_value(grads, 0.5, xp=xp), backend32)
    for wrong in ("5", None, [1.0]):
        with pytest.raises(TypeError, match=r"^clip_by_value: limit must be a number, got "):
            clip_by_value(grads, wrong, xp=xp)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.array], ids=["int64", "uint8", "0-d"])
def test_whole_numbers(backend32, kind):
    block, xp = ones(backend32, 1, 2, 3), backend32.xp
    drawn = ones(backend32, 1, 2, 2)
    ours = ops.negative_sampling(block, block, drawn, positives=kind(1))
    assert same(ours, ops.negative_sampling(block, block, drawn, positives=1), backend32)
    ids = backend32.asarray(np.asarray([0, 1]))
    assert one_hot(ids, kind(3), xp.float32, xp=xp).shape == (2, 3)
