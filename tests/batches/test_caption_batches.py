"""Batches of captions: what goes in, what should come out, and which of the features it is about."""

import numpy as np
import pytest

from portnn.backends import tree_flatten
from portnn.batches import CaptionBatches, ImageTable
from portnn.batches.captions import bounded

BOUNDARY = 9
CAPTIONS = [[1, 2, 3], [4], [5, 6], [7, 8, 1, 2], [3], [2, 2]]
ROWS = np.asarray([0, 0, 1, 3, 2, 3])
IDS, ENDS = np.concatenate(CAPTIONS).astype(np.uint8), np.cumsum([len(caption) for caption in CAPTIONS])


def batches_of(features, **settings):
    return CaptionBatches(features, ROWS, IDS, ENDS, **{"boundary": BOUNDARY, "batch_size": 2, "seed": 3, **settings})


def in_bytes(data):
    return [np.asarray(array).tobytes() for _, array in tree_flatten(data, "data")]


@pytest.mark.host
def test_inputs_targets_and_weights_by_hand():
    ids, lengths = np.asarray([[1, 4], [2, 4], [3, 4]]), np.asarray([3, 1])
    inputs, targets, weights = bounded(ids, lengths, BOUNDARY)
    assert inputs[:, 0].tolist() == [9, 1, 2, 3]
    assert inputs[:2, 1].tolist() == [9, 4]
    assert targets.T.tolist() == [[1, 2, 3, 9], [4, 9, 9, 9]]
    assert weights.T.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert (inputs.dtype, targets.dtype, weights.dtype) == (np.int64, np.int64, np.float64)
    for multiple, times in ((2, 4), (3, 6), (8, 8)):
        longer = bounded(ids, lengths, BOUNDARY, multiple)
        assert [len(array) for array in longer] == [times] * 3
        for array, right in zip(longer, (inputs, targets, weights), strict=True):
            assert np.array_equal(array[:4], right)
        assert (longer[0][4:] == BOUNDARY).all()
        assert not longer[2][4:].any()


@pytest.mark.host
@pytest.mark.parametrize("multiple", [1, 4])
def test_each_caption_comes_once_an_epoch_with_its_features(rng, multiple):
    features = rng.normal(size=(4, 3))
    source, orders = batches_of(features, multiple=multiple), set()
    assert (source.batches, source.tokens) == (3, 2.0)
    for epoch in range(4):
        found = []
        for place in range(3):
            data = source.at(3 * epoch + place).data
            assert len(data.inputs) % multiple == 0
            lengths = data.weights.sum(axis=0).astype(int)
            for column, length in enumerate(lengths):
                caption = data.inputs[1:length, column].tolist()
                assert data.inputs[0, column] == data.targets[length - 1, column] == BOUNDARY
                assert data.targets[: length - 1, column].tolist() == caption
                row = int(np.flatnonzero((features == data.features[column]).all(axis=1))[0])
                found.append((row, caption))
        assert sorted(found) == sorted(zip(ROWS.tolist(), CAPTIONS, strict=True))
        orders.add(str(found))
    assert len(orders) > 1


def test_features_of_every_place_make_the_same_batches(backend, rng):
    """On the host, mapped, on the backend, and images that are scaled when they are taken."""
    pixels = rng.integers(0, 256, (4, 3, 2, 1), dtype=np.uint8)
    scaled = pixels / 255.0
    right = batches_of(scaled)
    others = (batches_of(backend.asarray(scaled), backend=backend), batches_of(ImageTable(pixels, backend)))
    for place in range(6):
        expected = right.at(place).data
        for other in others:
            data = other.at(place).data
            np.testing.assert_allclose(backend.to_host(data.features), expected.features, rtol=1e-15)
            assert in_bytes(data[1:]) == in_bytes(expected[1:])


@pytest.mark.host
@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f4"])
def test_features_are_floating_point_numbers(dtype):
    """Whole numbers as well, which no library multiplies by weights."""
    features = np.eye(4)[:, :3].astype(dtype)
    found = batches_of(features).at(0).data.features
    assert found.dtype == (np.float32 if dtype == "f4" else np.float64)


@pytest.mark.host
def test_some_of_the_captions(rng):
    chosen = np.asarray([1, 3, 5])
    source = batches_of(rng.normal(size=(4, 3)), chosen=lambda places: chosen[places], count=3)
    assert source.batches == 2
    lengths = np.concatenate([source.at(place).data.weights.sum(axis=0) for place in range(2)])
    assert sorted(lengths) == [2, 3, 5]


@pytest.mark.host
def test_masks_depend_neither_on_the_order_of_asking_nor_on_multiple(rng):
    features, settings = rng.normal(size=(4, 3)), {"masks": (3, 5), "dropout": 0.5}
    plain, longer = batches_of(features, **settings), batches_of(features, **settings, multiple=8)
    right = [plain.at(place).data for place in range(6)]
    for place in (5, 0, 3):
        assert in_bytes(batches_of(features, **settings).at(place).data) == in_bytes(right[place])
        data = longer.at(place).data
        times = len(right[place].inputs)
        for mask, expected, size in zip(data.keep, right[place].keep, (3, 5), strict=True):
            assert mask.shape == (8, 2, size)
            assert np.array_equal(mask[:times], expected)
            assert set(expected.ravel().tolist()) == {False, True}
    assert batches_of(features).at(0).data.keep == ()
    assert in_bytes(batches_of(features, **settings, seed=4).at(0).data) != in_bytes(right[0])


@pytest.mark.host
def test_what_makes_no_batches(rng):
    with pytest.raises(ValueError, match=r"^batch_size must be a positive whole number, got 0$"):
        batches_of(rng.normal(size=(4, 3)), batch_size=0)
    with pytest.raises(ValueError, match=r"^dropout must be in \[0, 1\), got 1.0$"):
        batches_of(rng.normal(size=(4, 3)), dropout=1.0)
