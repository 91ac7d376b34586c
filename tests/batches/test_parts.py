"""Parts of batches: together they are the whole, for every model and whatever shares it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import RowGradient, scatter_add, tree_flatten, tree_map
from portnn.batches import WHOLE, Part
from portnn.checking import training_cases
from portnn.models import WordVectors

pytestmark = pytest.mark.host

CASES = [case for case in training_cases() if not isinstance(case.model, WordVectors)]


class ThreadGroup:
    """A group of threads; all meet for every sum."""

    def __init__(self, number, weight, given, barrier):
        self.weight, self._number, self._given, self._barrier = weight, number, given, barrier

    def sum(self, array):
        self._given[self._number] = array
        self._barrier.wait(timeout=60)
        total = sum(self._given)
        self._barrier.wait(timeout=60)
        return total

    count = sum


def computed(model, params, pieces, carries):
    """Loss, carry and gradients of each part: in a thread each if they need one another."""
    given, barrier = [None] * len(pieces), threading.Barrier(len(pieces))

    def part(number):
        piece, grouped = pieces[number], {}
        if model.couples_parts and piece.parts > 1:
            grouped["group"] = ThreadGroup(number, piece.share * piece.parts, given, barrier)
        loss, carry, cache = model.loss(params, piece.data, carries[number], **grouped, xp=np)
        return loss, carry, model.gradients(cache, xp=np), model.measured(params, cache, xp=np)

    with ThreadPoolExecutor(len(pieces)) as threads:
        return list(threads.map(part, range(len(pieces))))


def whole(gradients, name, params):
    gradient = gradients[name]
    is_rows = isinstance(gradient, RowGradient)
    return scatter_add(np.zeros_like(params[name]), *gradient, xp=np) if is_rows else gradient


@pytest.mark.parametrize("position", [0, 7, 10])
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_parts_times_their_shares_are_the_whole(case, size, position, rng):
    model, batches = case.model, case.batches()
    params = {name: rng.normal(size=shape) for name, shape in model.shapes().items()}
    batch, carry = batches.at(position), model.initial_carry(batches.batch_size)
    loss, whole_carry, cache = model.loss(params, batch.data, carry, xp=np)
    gradients, measured = model.gradients(cache, xp=np), model.measured(params, cache, xp=np)
    assert (batch.share, batch.parts) == (1.0, 1)

    # Each process has batches of its own.
    parts = [Part(rank, size) for rank in range(size)]
    pieces = [case.batches().at(position, part) for part in parts]
    assert {piece.parts for piece in pieces} <= {size, 1}
    copies = size // pieces[0].parts
    cuts = [part.cut(batches.batch_size) for part in parts]
    carries = [tree_map(lambda array, own=own: array[own], carry) for own in cuts]
    found = computed(model, params, pieces, carries)
    total = sum(piece.share * part[0] for part, piece in zip(found, pieces, strict=True)) / copies
    assert total == pytest.approx(loss, rel=1e-12)
    for name in gradients:
        # What depends on the other parts has weighted its own part already.
        scales = [1.0 / size if model.couples_parts else piece.share / copies for piece in pieces]
        summed = sum(scale * whole(part[2], name, params) for part, scale in zip(found, scales, strict=True))
        assert_allclose(summed, whole(gradients, name, params), rtol=1e-9, atol=1e-12)
    for name in model.row_parameters:  # with Adam, a row that a step does not use stays as it is
        used = [set(of_part[2][name].ids.tolist()) for of_part in found]
        assert set().union(*used) == set(gradients[name].ids.tolist())
    for path, array in tree_flatten(whole_carry, "carry"):
        joined = np.concatenate([dict(tree_flatten(part[1], "carry"))[path] for part in found])
        assert_allclose(joined, array, rtol=1e-12, atol=1e-14)
    for *_, of_part in found:
        assert of_part.keys() == measured.keys()
        for name, array in measured.items():
            assert_allclose(of_part[name], array, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_batch_of_fewer_rows_than_parts_is_not_cut(case):
    batches = case.batches()
    with pytest.raises(ValueError, match=f"{batches.batch_size + 1} workers cannot share a batch_size of"):
        batches.check_parts(batches.batch_size + 1)
    batches.check_parts(batches.batch_size)
    uncut = batches.at(0, Part(3, 10 * batches.batch_size))
    assert (uncut.share, uncut.parts) == (1.0, 1)
    for (path, array), (_, right) in zip(
        tree_flatten(uncut.data, "data"), tree_flatten(batches.at(0).data, "data"), strict=True
    ):
        assert np.array_equal(array, right), path


@pytest.mark.parametrize(("rows", "size"), [(5, 2), (7, 3), (3, 3), (64, 5)])
def test_parts_are_as_equal_as_can_be_and_nothing_is_left_out(rows, size):
    cuts = [Part(rank, size).cut(rows) for rank in range(size)]
    assert [row for cut in cuts for row in range(rows)[cut]] == list(range(rows))
    lengths = [cut.stop - cut.start for cut in cuts]
    assert max(lengths) - min(lengths) <= 1
    weights = np.arange(rows, dtype=np.float64)
    shares = [Part(rank, size).share(rows, weights) for rank in range(size)]
    assert sum(shares) == pytest.approx(1.0)
    assert shares[0] == pytest.approx(weights[cuts[0]].sum() / weights.sum())
    assert sum(Part(rank, size).share(rows, np.zeros(rows)) for rank in range(size)) == pytest.approx(1.0)
    assert WHOLE.cut(rows) == slice(0, rows)
