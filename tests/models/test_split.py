"""Parts of a batch for workers: together they are the whole, for every model that can be split."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from portnn.backends import RowGradient, scatter_add, tree_flatten
from portnn.checking import training_cases

pytestmark = pytest.mark.host


def splits(model):
    """Whether it has parts; word vectors train in one process."""
    try:
        model.check_splits()
    except ValueError:
        return False
    return True


CASES = [case for case in training_cases() if splits(case.model)]


class ThreadGroup:
    """A group of threads; all meet for every sum."""

    def __init__(self, number, shares, given, barrier):
        self.weight = shares[number] * len(shares)
        self._number, self._given, self._barrier = number, given, barrier

    def sum(self, array):
        self._given[self._number] = array
        self._barrier.wait(timeout=60)
        total = sum(self._given)
        self._barrier.wait(timeout=60)
        return total


def computed(model, params, pieces):
    """Loss, carry and gradients of each part: in a thread each if they need one another."""
    shares, given = [share for _, _, share in pieces], [None] * len(pieces)
    barrier = threading.Barrier(len(pieces))

    def part(number):
        grouped = {"group": ThreadGroup(number, shares, given, barrier)} if model.couples_parts else {}
        loss, carry, cache = model.loss(params, *pieces[number][:2], **grouped, xp=np)
        return loss, carry, model.gradients(cache, xp=np), model.measured(params, cache, xp=np)

    with ThreadPoolExecutor(len(pieces)) as threads:
        return list(threads.map(part, range(len(pieces))))


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_parts_times_their_shares_are_the_whole(case, parts, rng):
    model, batches = case.model, case.batches()
    params = {name: rng.normal(size=shape) for name, shape in model.shapes().items()}
    batch, carry = batches.at(0).data, model.initial_carry(batches.batch_size)
    loss, whole_carry, cache = model.loss(params, batch, carry, xp=np)
    gradients, measured = model.gradients(cache, xp=np), model.measured(params, cache, xp=np)

    pieces = model.split(batch, carry, parts)
    assert len(pieces) == parts
    found, shares = computed(model, params, pieces), [share for _, _, share in pieces]
    assert sum(share * part[0] for part, share in zip(found, shares, strict=True)) == pytest.approx(loss, rel=1e-12)
    # What depends on the other parts has weighted its own part already.
    scales = [1.0 / parts] * parts if model.couples_parts else shares

    def whole(gradients, name):
        gradient = gradients[name]
        return (
            scatter_add(np.zeros_like(params[name]), *gradient, xp=np)
            if isinstance(gradient, RowGradient)
            else gradient
        )

    for name in gradients:
        summed = sum(scale * whole(part[2], name) for part, scale in zip(found, scales, strict=True))
        np.testing.assert_allclose(summed, whole(gradients, name), rtol=1e-9, atol=1e-12)
    for path, array in tree_flatten(whole_carry, "carry"):
        joined = np.concatenate([dict(tree_flatten(part[1], "carry"))[path] for part in found])
        np.testing.assert_allclose(joined, array, rtol=1e-12, atol=1e-14)
    for *_, of_part in found:
        assert of_part.keys() == measured.keys()
        for name, array in measured.items():
            np.testing.assert_allclose(of_part[name], array, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_batch_makes_no_more_parts_than_it_has_rows(case):
    if case.model.initial_carry(1):
        return  # every batch has all streams
    batches = case.batches()
    batch = batches.at(0).data
    pieces, more = (case.model.split(batch, (), times * batches.batch_size) for times in (1, 2))
    assert 1 < len(pieces) == len(more) <= batches.batch_size
    assert sum(share for *_, share in more) == pytest.approx(1.0)
