from __future__ import annotations

import math

import numpy as np
import pytest

from portnn.backends import tree_map
from portnn.estimators import LanguageEvaluator, as_evaluation
from portnn.estimators.evaluation import CHUNK, RELEASE_EVERY, STREAMS
from portnn.models import LanguageBatch, RecurrentLM

MODEL = RecurrentLM(5, "gru", hidden_size=4)


@pytest.fixture(scope="module")
def params(backend):
    return tree_map(backend.asarray, MODEL.init(np.random.default_rng(2), 1.0))


def by_hand(params, ids, backend, streams) -> float:
    """Loss of each stream in one piece, from a zero state."""
    length, total = math.ceil((len(ids) - 1) / streams), 0.0
    for begin in range(0, len(ids) - 1, length):
        part = ids[begin : begin + length + 1].astype(np.int64)[:, None]
        carry = tree_map(backend.asarray, MODEL.initial_carry(1))
        batch = LanguageBatch(backend.asarray(part[:-1]), backend.asarray(part[1:]))
        total += float(MODEL.loss(params, batch, carry, xp=backend.xp)[0]) * (len(part) - 1)
    return total / (len(ids) - 1)


@pytest.mark.parametrize("length", [2, 2 * CHUNK + 70])
def test_every_id_after_the_first_counts_once(backend, params, rng, length) -> None:
    ids = rng.integers(0, 5, length).astype(np.uint8)
    evaluator = LanguageEvaluator(MODEL, backend, ids)
    assert evaluator.predicted == length - 1
    expected = by_hand(params, ids, backend, evaluator.streams)
    assert math.isclose(evaluator(params), expected, rel_tol=1e-9)
    assert evaluator(params) == evaluator(params)


@pytest.mark.host
def test_streams_of_unequal_length(backend, params, rng) -> None:
    for length in (STREAMS * CHUNK + 2, 9 * CHUNK + 5):
        ids = rng.integers(0, 5, length)
        evaluator = LanguageEvaluator(MODEL, backend, ids)
        assert evaluator.streams > 1
        assert math.isclose(evaluator(params), by_hand(params, ids, backend, evaluator.streams), rel_tol=1e-9)


@pytest.mark.host
@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (np.array([1]), ValueError, "at least two tokens, got 1"),
        (np.array([], np.int64), ValueError, "at least two tokens, got 0"),
        (np.array([0.0, 1.0]), TypeError, "ids have dtype float64, expected integers"),
        (np.array([0, 1, -3]), ValueError, "id -3 is negative"),
        (np.array([0, 1, 5]), ValueError, r"id 5 is past the vocabulary, whose ids are 0\.\.4"),
        (np.zeros((2, 2), np.int64), ValueError, "expected one axis"),
    ],
)
def test_ids_that_cannot_be_measured(backend, params, ids, error, message) -> None:
    with pytest.raises(error, match=message):
        LanguageEvaluator(MODEL, backend, ids)(params)


@pytest.mark.host
def test_pages_are_let_go_now_and_then(backend, params, monkeypatch) -> None:
    released = []
    evaluator = LanguageEvaluator(MODEL, backend, np.broadcast_to(np.uint8(1), (1 << 30,)), lambda: released.append(1))
    evaluator._loss = lambda params, batch, carry: (0.0, carry)
    evaluator.length = CHUNK * (2 * RELEASE_EVERY + 1)
    evaluator(params)
    assert len(released) == 3


@pytest.mark.host
def test_both_units() -> None:
    assert as_evaluation(math.log(8.0), 7) == (math.log(8.0), pytest.approx(3.0), 7)
    with pytest.raises(ValueError, match="the loss is inf"):
        as_evaluation(math.inf, 7)
