"""Weights of rows, by themselves and by their classes."""

from __future__ import annotations

import numpy as np
import pytest

from portnn.backends import to_host
from portnn.tables import Classes, class_weights, place_weights

CLASSES = Classes.of(np.asarray(["a", "b", "c"]))
IDS = np.asarray([0, 0, 0, 1, 2])


@pytest.mark.host
def test_balanced_classes_weigh_the_same_in_total():
    weights = class_weights("balanced", CLASSES, IDS)
    totals = [weights[number == IDS].sum() for number in range(3)]
    np.testing.assert_allclose(totals, 5 / 3, rtol=1e-12)


@pytest.mark.host
def test_labels_left_out_weigh_1():
    assert class_weights({"a": 2.0, "c": 0.0}, CLASSES, IDS).tolist() == [2.0, 2.0, 2.0, 1.0, 0.0]


@pytest.mark.host
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": 1.0, "d": 2.0}, "class_weight has labels that y does not have: 'd'"),
        ({"a": -1.0}, "class_weight must be finite and not negative"),
        ({"a": np.inf}, "class_weight must be finite and not negative"),
    ],
)
def test_class_weights_that_make_no_sense(weights, message):
    with pytest.raises(ValueError, match=message):
        class_weights(weights, CLASSES, IDS)


def test_weights_are_placed_on_the_backend(backend):
    assert place_weights(None, 3, backend) is None
    for weights in ([1, 0, 2], np.asarray([1.0, 0.0, 2.0]), backend.asarray(np.asarray([1.0, 0.0, 2.0]))):
        placed = place_weights(weights, 3, backend)
        assert type(placed) is type(backend.asarray(np.zeros(1)))
        assert to_host(placed).tolist() == [1.0, 0.0, 2.0]
