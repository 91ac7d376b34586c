"""All variants of word2vec against loops over pairs."""

import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import RowGradient, tree_map
from portnn.models import WindowBatch, WordVectors

WORDS, SIZE, WINDOW, LENGTH, DRAWN, NEGATIVE = 7, 3, 2, 4, 6, 3
AROUND = LENGTH + 2 * WINDOW

VARIANTS = {
    f"{name}, {'negative sampling' if negative else 'softmax'}": {"sg": sg, "cbow_mean": mean, "negative": negative}
    for negative in (True, False)
    for name, sg, mean in (("skip-gram", True, True), ("CBOW", False, True), ("CBOW sum", False, False))
}
VARIANTS["CBOW in whole steps, negative sampling"] = VARIANTS["CBOW, negative sampling"] | {"whole_steps": True}
each = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)


def model_of(variant):
    return WordVectors(WORDS, SIZE, WINDOW, **variant)


@pytest.fixture
def params(rng):
    return {"input": rng.normal(size=(WORDS, SIZE)), "output": rng.normal(size=(WORDS, SIZE))}


@pytest.fixture
def drawn(rng):
    """Batch of three blocks for a variant, and as a list (sources, target, negatives) of what is to be learned.

    Windows have any reach on either side, one position has none, and the last block is nothing but padding.
    """

    def draw(variant):
        sg, K = variant["sg"], DRAWN if variant["negative"] else 0
        ids = rng.integers(0, WORDS, (3, AROUND + K))
        weights = np.zeros((3, LENGTH, AROUND + K))
        cases = []
        for b in range(2):
            negatives = ids[b, AROUND:].tolist()
            for i in range(LENGTH):
                own = WINDOW + i
                left, right = (0, 0) if (b, i) == (0, 1) else rng.integers(0, WINDOW + 1, 2)
                places = [j for j in range(own - left, own + right + 1) if j != own]
                weights[b, i, places] = 1.0
                inside, word = ids[b, places].tolist(), int(ids[b, own])
                here = [([word], target) for target in inside] if sg else [(inside, word)] if inside else []
                cases += [(*case, negatives) for case in here]
                for k, negative in enumerate(negatives):
                    weights[b, i, AROUND + k] = NEGATIVE / DRAWN * sum(target != negative for _, target in here)
        return WindowBatch(ids, weights), cases

    return draw


def by_hand(params, cases, variant):
    """Loss and gradients, one pair after the other, by the formulas of word2vec."""
    loss, grads = 0.0, {name: np.zeros_like(table) for name, table in params.items()}
    for sources, target, negatives in cases:
        share = 1.0 / len(sources) if variant["cbow_mean"] else 1.0
        h = share * sum(params["input"][word] for word in sources)
        scores = params["output"] @ h
        slope = np.zeros(WORDS)
        if variant["negative"]:
            sigma = [1.0 / (1.0 + math.exp(-z)) for z in scores]
            loss -= math.log(sigma[target])
            slope[target] = sigma[target] - 1.0
            for word in negatives:
                if word != target:
                    loss -= NEGATIVE / DRAWN * math.log(1.0 - sigma[word])
                    slope[word] += NEGATIVE / DRAWN * sigma[word]
        else:
            shares = np.exp(scores) / np.exp(scores).sum()
            loss -= math.log(shares[target])
            slope += shares
            slope[target] -= 1.0
        grads["output"] += np.outer(slope, h)
        for word in sources:
            step = 1.0 if variant.get("whole_steps") else share
            grads["input"][word] += step * (slope @ params["output"])
    return loss, grads


@pytest.fixture
def evaluate(backend):
    """Loss and gradients of host arrays: whole tables, and which of them came in rows."""

    def both(model, params, batch, on=backend):
        placed, there = tree_map(on.asarray, (params, batch))
        loss, carry, cache = model.loss(placed, there, xp=on.xp)
        assert carry == ()
        assert loss.shape == ()
        whole, in_rows = {}, []
        for name, grad in model.gradients(cache, xp=on.xp).items():
            if isinstance(grad, RowGradient):
                in_rows.append(name)
                ids, rows = map(on.to_host, grad)
                whole[name] = np.zeros_like(params[name], dtype=rows.dtype)
                np.add.at(whole[name], ids, rows)
            else:
                whole[name] = on.to_host(grad)
        return on.to_host(loss), whole, tuple(in_rows)

    return both


@each
def test_the_same_as_a_loop_over_pairs(evaluate, params, drawn, variant):
    model = model_of(variant)
    batch, cases = drawn(variant)
    loss, grads, in_rows = evaluate(model, params, batch)
    right, gradients = by_hand(params, cases, variant)
    assert float(loss) == pytest.approx(right, rel=1e-12)
    for name in params:
        assert_allclose(grads[name], gradients[name], rtol=1e-11, atol=1e-12, err_msg=name)
    assert in_rows == model.row_parameters == (("input", "output") if variant["negative"] else ("input",))


@each
def test_padding_counts_nothing(evaluate, params, drawn, variant):
    """Whatever words a block without weights has."""
    model = model_of(variant)
    batch, _ = drawn(variant)
    loss, grads, _ = evaluate(model, params, batch)
    shorter, others, _ = evaluate(model, params, WindowBatch(batch.ids[:2], batch.weights[:2]))
    assert float(loss) == pytest.approx(float(shorter), rel=1e-13)
    for name in params:
        assert_allclose(grads[name], others[name], rtol=1e-11, atol=1e-13)
    nothing, still, _ = evaluate(model, params, WindowBatch(batch.ids[2:], batch.weights[2:]))
    assert float(nothing) == 0.0
    assert not any(gradient.any() for gradient in still.values())


@each
def test_words_that_count_nothing_do_not_move(evaluate, params, drawn, variant):
    """With negative sampling, of both tables just the rows of the words that the batch has."""
    model = model_of(variant)
    batch, cases = drawn(variant)
    _, grads, _ = evaluate(model, params, batch)
    sources = {word for case in cases for word in case[0]}
    assert set(np.flatnonzero(grads["input"].any(axis=1)).tolist()) == sources
    if variant["negative"]:
        predicted = {word for _, target, negatives in cases for word in (target, *negatives)}
        assert set(np.flatnonzero(grads["output"].any(axis=1)).tolist()) == predicted
    else:
        assert grads["output"].any(axis=1).all()


@each
def test_float32_stays_float32(evaluate, params, drawn, variant, backend32):
    batch, cases = drawn(variant)
    loss, grads, _ = evaluate(model_of(variant), params, batch, on=backend32)
    assert loss.dtype == grads["input"].dtype == grads["output"].dtype == np.float32
    assert float(loss) == pytest.approx(by_hand(params, cases, variant)[0], rel=1e-5)


@pytest.mark.host
@pytest.mark.parametrize(("sg", "largest"), [(True, 0.5), (False, 1.0)])
def test_vectors_start_small_and_what_is_predicted_at_zero(sg, largest):
    model = WordVectors(2000, 8, sg=sg)
    params = model.init(np.random.default_rng(1))
    assert {name: array.shape for name, array in params.items()} == model.shapes()
    assert not params["output"].any()
    drawn = params["input"] * 8 / largest
    assert params["input"].dtype == np.float32
    assert -1.0 <= drawn.min() < -0.99 < 0.99 < drawn.max() <= 1.0
    assert abs(drawn.mean()) < 4.0 * math.sqrt(4 / 12 / drawn.size)
    assert np.array_equal(params["input"], model.init(np.random.default_rng(1))["input"])
    assert not np.array_equal(params["input"], model.init(np.random.default_rng(2))["input"])


@pytest.mark.host
@pytest.mark.parametrize("name", ["vocabulary_size", "vector_size", "window"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None])
def test_sizes_that_make_no_sense(name, value):
    with pytest.raises(
        (TypeError, ValueError), match=re.escape(f"{name} must be a positive whole number, got {value!r}")
    ):
        WordVectors(**{"vocabulary_size": 5, name: value})
