from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from portnn.batches import ChunkStreams, Part
from portnn.batches.streams import RELEASE_EVERY

pytestmark = pytest.mark.host


def test_chunks_walk_every_stream_in_order_and_start_over() -> None:
    streams = ChunkStreams(np.arange(23), batch_size=2, seq_length=4)
    assert (streams.stream_length, streams.batches, streams.tokens) == (11, 2, 8)
    first, terms, starts, *_ = streams.at(0)
    assert (starts, terms) == (True, 1.0)
    assert first.inputs.tolist() == [[0, 11], [1, 12], [2, 13], [3, 14]]
    assert first.targets.tolist() == [[1, 12], [2, 13], [3, 14], [4, 15]]
    second, _, starts, *_ = streams.at(1)
    assert not starts
    assert second.inputs[0].tolist() == [4, 15]
    again, _, starts, *_ = streams.at(2)
    assert starts
    assert np.array_equal(again.inputs, first.inputs)


def test_the_last_id_is_reached() -> None:
    streams = ChunkStreams(np.arange(9), batch_size=2, seq_length=4)
    assert streams.at(0).data.targets[-1].tolist() == [4, 8]


def test_position_is_all_that_resume_needs() -> None:
    streams, other = (ChunkStreams(np.arange(50), batch_size=3, seq_length=5) for _ in range(2))
    whole = [streams.at(position).data.inputs for position in range(8)]
    for position in (5, 6, 7, 2):
        assert np.array_equal(other.at(position).data.inputs, whole[position])


def test_a_mask_for_each_layer_only_where_something_is_dropped() -> None:
    sizes = {"batch_size": 2, "seq_length": 4, "layers": 3, "hidden_size": 5}
    kept = ChunkStreams(np.arange(50), **sizes, dropout=0.5).at(0).data
    assert [mask.shape for mask in kept.keep] == [(4, 2, 5)] * 3
    assert set(np.unique(kept.keep)) == {0.0, 1.0}
    assert not np.array_equal(kept.keep[0], kept.keep[1])
    assert ChunkStreams(np.arange(50), **sizes).at(0).data.keep == ()


def test_every_position_and_seed_has_its_own_masks() -> None:
    sizes = {"batch_size": 2, "seq_length": 4, "layers": 1, "hidden_size": 50, "dropout": 0.5}
    streams = ChunkStreams(np.arange(50), **sizes)
    others = [streams.at(position) for position in range(1, 20)]  # in later passes, too
    others += [ChunkStreams(np.arange(50), **sizes, seed=seed).at(0) for seed in (1, 2)]
    masks = {batch.data.keep[0].tobytes() for batch in [streams.at(0), *others]}
    assert len(masks) == 22


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (np.array([0.0, 1.0, 2.0]), TypeError, "ids have dtype float64, expected integers"),
        (np.array([True, False]), TypeError, "ids have dtype bool, expected integers"),
        (np.zeros((4, 4), np.int64), ValueError, r"ids have shape \(4, 4\), expected one axis"),
    ],
)
def test_ids_that_are_none(ids, error, message) -> None:
    with pytest.raises(error, match=message):
        ChunkStreams(ids, batch_size=1, seq_length=1, vocabulary_size=9)


@pytest.mark.parametrize(
    ("ids", "message"),
    [([0, 1, -2, 3], "id -2 is negative"), ([0, 1, 7, 3], r"id 7 is past the vocabulary, .* 0\.\.6")],
)
def test_an_id_out_of_range_is_named_before_the_step(ids, message) -> None:
    streams = ChunkStreams(np.array(ids), batch_size=1, seq_length=3, vocabulary_size=7)
    with pytest.raises(ValueError, match=message):
        streams.at(0)


@pytest.mark.parametrize("name", ["batch_size", "seq_length"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3"])
def test_sizes_are_positive_whole_numbers(name, value) -> None:
    with pytest.raises(
        TypeError if value == "3" else ValueError, match=f"{name} must be a positive whole number, got {value!r}"
    ):
        ChunkStreams(np.arange(50), **{"batch_size": 2, "seq_length": 4, name: value})


def test_too_short_says_what_is_needed() -> None:
    with pytest.raises(ValueError, match=r"too short: 8 tokens .* batch_size 2 x seq_length 4 needs 9"):
        ChunkStreams(np.arange(8), batch_size=2, seq_length=4)


def test_pages_are_released_now_and_then() -> None:
    released = []
    tokens = 1 << 16
    ids = np.broadcast_to(np.uint8(1), (1 << 30,))  # a GiB of ids that takes a byte
    streams = ChunkStreams(ids, batch_size=256, seq_length=256, release=lambda: released.append(1))
    for position in range(3 * RELEASE_EVERY // tokens):
        streams.at(position)
    assert len(released) == 3


def test_processes_with_ids_of_their_own_read_their_streams_from_these() -> None:
    """All passes count as many steps as the longest; the shorter text starts again sooner."""
    texts = np.arange(61), 100 + np.arange(25)
    groups = [SimpleNamespace(rank=rank, size=2, gather=lambda own: [15, 4]) for rank in range(2)]
    both = [
        ChunkStreams(ids, batch_size=5, seq_length=2, dropout=0.5, layers=1, hidden_size=3, group=group)
        for ids, group in zip(texts, groups, strict=True)
    ]
    assert [streams.batches for streams in both] == [15, 15]
    own = [[streams.at(position, Part(rank, 2)) for position in range(8)] for rank, streams in enumerate(both)]
    assert own[0][1].data.inputs.T.tolist() == [[2, 3], [32, 33]]
    assert own[1][1].data.inputs.T.tolist() == [[102, 103], [110, 111], [118, 119]]
    assert [batch.starts for batch in own[0]] == [position % 15 == 0 for position in range(8)]
    assert [batch.starts for batch in own[1]] == [position % 4 == 0 for position in range(8)]
    assert [batch[1].share for batch in own] == [0.4, 0.6]
    whole = ChunkStreams(np.arange(61), batch_size=5, seq_length=2, dropout=0.5, layers=1, hidden_size=3)
    masks = np.concatenate([batch[1].data.keep[0] for batch in own], axis=1)
    assert np.array_equal(masks, whole.at(1).data.keep[0])
