from __future__ import annotations

import numpy as np
import pytest

from portnn.batches import ChunkStreams
from portnn.batches.streams import RELEASE_EVERY

pytestmark = pytest.mark.host


def test_chunks_walk_every_stream_in_order_and_start_over(rng) -> None:
    streams = ChunkStreams(np.arange(23), batch_size=2, seq_length=4)
    assert (streams.stream_length, streams.batches, streams.tokens) == (11, 2, 8)
    first, starts = streams.next(rng)
    assert starts
    assert first.inputs.tolist() == [[0, 11], [1, 12], [2, 13], [3, 14]]
    assert first.targets.tolist() == [[1, 12], [2, 13], [3, 14], [4, 15]]
    second, starts = streams.next(rng)
    assert not starts
    assert second.inputs[0].tolist() == [4, 15]
    again, starts = streams.next(rng)
    assert starts
    assert np.array_equal(again.inputs, first.inputs)


def test_the_last_id_is_reached() -> None:
    streams = ChunkStreams(np.arange(9), batch_size=2, seq_length=4)
    batch, _ = streams.next(np.random.default_rng(0))
    assert batch.targets[-1].tolist() == [4, 8]


def test_position_is_all_that_resume_needs(rng) -> None:
    streams, other = (ChunkStreams(np.arange(50), batch_size=3, seq_length=5) for _ in range(2))
    for _ in range(5):
        streams.next(rng)
        other.position = streams.position
        assert np.array_equal(streams.next(rng)[0].inputs, other.next(rng)[0].inputs)
        streams.position = other.position


def test_a_mask_for_each_layer_only_where_something_is_dropped(rng) -> None:
    sizes = {"batch_size": 2, "seq_length": 4, "layers": 3, "hidden_size": 5}
    kept, _ = ChunkStreams(np.arange(50), **sizes, rate=0.5).next(rng)
    assert [mask.shape for mask in kept.keep] == [(4, 2, 5)] * 3
    assert set(np.unique(kept.keep)) == {0.0, 1.0}
    assert not np.array_equal(kept.keep[0], kept.keep[1])
    before = rng.bit_generator.state
    assert ChunkStreams(np.arange(50), **sizes).next(rng)[0].keep == ()
    assert rng.bit_generator.state == before


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
def test_an_id_out_of_range_is_named_before_the_step(rng, ids, message) -> None:
    streams = ChunkStreams(np.array(ids), batch_size=1, seq_length=3, vocabulary_size=7)
    with pytest.raises(ValueError, match=message):
        streams.next(rng)


@pytest.mark.parametrize("name", ["batch_size", "seq_length"])
@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3"])
def test_sizes_are_positive_whole_numbers(name, value) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a positive whole number, got {value!r}"):
        ChunkStreams(np.arange(50), **{"batch_size": 2, "seq_length": 4, name: value})


def test_too_short_says_what_is_needed() -> None:
    with pytest.raises(ValueError, match=r"too short: 8 tokens .* batch_size 2 x seq_length 4 needs 9"):
        ChunkStreams(np.arange(8), batch_size=2, seq_length=4)


def test_pages_are_let_go_now_and_then(rng) -> None:
    released = []
    tokens = 1 << 16
    ids = np.broadcast_to(np.uint8(1), (1 << 30,))  # a GiB of ids that takes a byte
    streams = ChunkStreams(ids, batch_size=256, seq_length=256, release=lambda: released.append(streams.position))
    for _ in range(3 * RELEASE_EVERY // tokens):
        streams.next(rng)
    assert len(released) == 3
