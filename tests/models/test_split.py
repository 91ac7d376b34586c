"""Parts of a batch for workers: together they are the whole, for every model that can be split."""

import numpy as np
import pytest

from portnn.backends import RowGradient, scatter_add, tree_flatten
from portnn.checking import training_cases
from portnn.models import WordVectors

pytestmark = pytest.mark.host


def trains_in_one_process(model):
    """Word vectors do, and what normalises over a batch."""
    network = getattr(model, "encoder", None) or model
    return isinstance(model, WordVectors) or getattr(network, "batch_norm", False)


CASES = [case for case in training_cases() if not trains_in_one_process(case.model)]


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_parts_times_their_shares_are_the_whole(case, parts, rng):
    model, batches = case.model, case.batches()
    params = {name: rng.normal(size=shape) for name, shape in model.shapes().items()}
    batch, carry = batches.at(0).data, model.initial_carry(batches.batch_size)
    loss, whole_carry, cache = model.loss(params, batch, carry, xp=np)
    gradients = model.gradients(cache, xp=np)

    pieces = [
        (model.loss(params, piece, piece_carry, xp=np), share)
        for piece, piece_carry, share in model.split(batch, carry, parts)
    ]
    assert len(pieces) == parts
    assert sum(share * part[0] for part, share in pieces) == pytest.approx(loss, rel=1e-12)

    def whole(gradients, name):
        gradient = gradients[name]
        return (
            scatter_add(np.zeros_like(params[name]), *gradient, xp=np)
            if isinstance(gradient, RowGradient)
            else gradient
        )

    for name in gradients:
        summed = sum(share * whole(model.gradients(part[2], xp=np), name) for part, share in pieces)
        np.testing.assert_allclose(summed, whole(gradients, name), rtol=1e-9, atol=1e-12)
    for path, array in tree_flatten(whole_carry, "carry"):
        joined = np.concatenate([dict(tree_flatten(part[1], "carry"))[path] for part, _ in pieces])
        np.testing.assert_allclose(joined, array, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["ImageClassifier batch norm", "RecurrentDecoder encoder"])
def test_batch_normalisation_is_not_split(name):
    (case,) = (case for case in training_cases() if case.name == name)
    with pytest.raises(
        ValueError, match=r"^batch normalisation needs the whole batch in one process: workers must be 1$"
    ):
        case.model.split(case.batches().at(0).data, (), 2)
