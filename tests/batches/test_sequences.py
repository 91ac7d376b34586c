"""Batches of sequences of different lengths: each once an epoch, among others of similar length."""

import itertools

import numpy as np
import pytest

from portnn.backends import tree_flatten
from portnn.batches import SequenceBatches, lengths_of, padded
from portnn.batches.sequences import POOL

pytestmark = pytest.mark.host

UNKNOWN = 99


def drawn(count, seed=1, longest=9):
    """Sequences whose ids tell which they are, and their ends: ids of the n-th are n + 100, so padding is seen."""
    lengths = np.random.default_rng(seed).integers(1, longest + 1, count)
    return np.repeat(np.arange(count) + 100, lengths).astype(np.uint32), np.cumsum(lengths)


def batches_of(count=50, **settings):
    ids, ends = drawn(count)
    settings = {"batch_size": 8, "unknown_id": UNKNOWN, "seed": 3, **settings}
    return SequenceBatches(ids, ends, np.arange(count).astype(np.uint32), np.arange(count) * 0.5, **settings)


def epoch(source, number=0):
    return [source.at(number * source.batches + place).data for place in range(source.batches)]


def lengths_in(data):
    return np.full(data.ids.shape[1], len(data.ids)) if data.lengths is None else data.lengths


def in_bytes(data):
    return [array.tobytes() for _, array in tree_flatten(data, "data")]


@pytest.mark.parametrize("count", [1, 7, 8, 9, 50, 8 * POOL, 8 * POOL + 1, 8 * POOL + 9, 1100])
def test_each_sequence_comes_once_an_epoch_with_its_target_and_weight(count):
    source, (_, ends) = batches_of(count), drawn(count)
    orders = []
    for number in range(3):
        found = []
        for data in epoch(source, number):
            assert data.ids.shape[1] <= 8
            assert data.weights.tolist() == (data.targets * 0.5).tolist()
            lengths = lengths_in(data)
            assert lengths.tolist() == np.diff(ends, prepend=0)[data.targets].tolist()
            assert len(data.ids) == lengths.max()
            for column, number_of_it in enumerate(data.targets):
                assert set(data.ids[:, column]) == {number_of_it + 100}  # padding is its own last id
            found += data.targets.tolist()
        assert sorted(found) == list(range(count))
        orders.append(tuple(found))
    assert len(set(orders)) == 3 or count < 50  # few of them may come in the same order by chance


def test_an_epoch_starts_with_its_first_batch():
    source = batches_of()
    assert source.batches == 7
    assert source.tokens == 50 / 7
    assert [source.at(position).starts for position in range(14)] == ([True] + [False] * 6) * 2


@pytest.mark.parametrize("count", [9, 10, 15, 17, 8 * POOL + 1])
def test_the_last_sequences_are_spread_over_batches_as_equal_as_can_be(count):
    sizes = [data.ids.shape[1] for data in epoch(batches_of(count))]
    assert len(sizes) == -(-count // 8)
    rest = sizes[count // (8 * POOL) * POOL :]
    assert max(rest) - min(rest) <= 1


def test_batches_of_sequences_of_one_length_are_not_padded():
    ids, ends = np.arange(60), np.arange(5, 61, 5)
    for data in epoch(SequenceBatches(ids, ends, np.zeros(12, np.int64), batch_size=4)):
        assert data.lengths is None
        assert data.weights is None
        assert (np.diff(data.ids, axis=0) == 1).all()


def test_the_order_of_asking_and_the_object_do_not_matter(rng):
    """Across pools and epochs; word dropout and masks included."""
    settings = {"batch_size": 2, "word_dropout": 0.3, "dropout": 0.5, "masks": (3, 2)}
    count = 2 * POOL + 11
    source = batches_of(count, **settings)
    positions = range(3 * source.batches)
    right = [in_bytes(source.at(position).data) for position in positions]
    other = batches_of(count, **settings)
    for position in rng.permutation(len(right)).tolist():
        assert in_bytes(other.at(position).data) == right[position], position
    for position in (1, POOL, POOL + 3, len(right) - 1):
        assert in_bytes(batches_of(count, **settings).at(position).data) == right[position]
    assert [in_bytes(batches_of(count, **settings, seed=4).at(position).data) for position in positions] != right


def test_batches_of_an_epoch_come_in_a_new_order_of_lengths():
    """Neither from short to long, nor as in the epoch before."""
    source = batches_of(400)
    orders = [[len(data.ids) for data in epoch(source, number)] for number in range(3)]
    assert len(set(map(tuple, orders))) == 3
    assert all(order != sorted(order) for order in orders)


def test_little_of_a_batch_is_padding():
    """Lengths like those of sentences, 19 words on average: less than 4 %, where batches by chance have over 45 %."""
    lengths = np.clip(np.random.default_rng(2).negative_binomial(4, 4 / 23, 7000) + 1, 1, 60)
    ids, ends = np.zeros(lengths.sum(), np.uint16), np.cumsum(lengths)
    source = SequenceBatches(ids, ends, np.zeros(7000, np.int64), batch_size=32)
    cells = sum(data.ids.size for data in epoch(source))
    assert 1.0 - lengths.sum() / cells < 0.04
    order = np.random.default_rng(1).permutation(7000)
    by_chance = sum(32 * lengths[order[start : start + 32]].max() for start in range(0, 7000, 32))
    assert 1.0 - lengths.sum() / by_chance > 0.45


def test_some_of_the_sequences():
    """Held-out ones never come; the others do, once an epoch."""
    chosen = np.asarray([3, 5, 8, 13, 21, 34, 49])
    ids, ends = drawn(50)
    some = {"chosen": lambda places: chosen[places], "count": 7, "batch_size": 3}
    source = SequenceBatches(ids, ends, np.arange(50), **some)
    assert source.batches == 3
    for number in range(2):
        assert sorted(np.concatenate([data.targets for data in epoch(source, number)]).tolist()) == chosen.tolist()


def test_word_dropout_replaces_its_share_of_words_and_no_padding():
    """And each epoch others; padding repeats the last id, so that it brings no row into a batch."""
    source, (ids, _) = batches_of(1000, word_dropout=0.25), drawn(1000)
    shares, patterns = [], set()
    for number in range(2):
        replaced = 0
        for data in epoch(source, number):
            lengths = lengths_in(data)
            past = np.arange(len(data.ids))[:, np.newaxis] >= lengths
            last = np.take_along_axis(data.ids, lengths[np.newaxis] - 1, axis=0)
            assert np.array_equal(data.ids[past], np.broadcast_to(last, past.shape)[past])
            replaced += np.count_nonzero((data.ids == UNKNOWN) & ~past)
            patterns.add((data.ids == UNKNOWN).tobytes())
        shares.append(replaced / len(ids))
    assert np.abs(np.asarray(shares) - 0.25).max() < 0.02
    assert len(patterns) > 240
    assert not any((data.ids == UNKNOWN).any() for data in epoch(batches_of(1000)))


def test_padding_to_a_multiple_changes_nothing_else():
    settings = {"word_dropout": 0.3, "dropout": 0.5, "masks": (3, 4, 2)}
    plain, longer = batches_of(60, **settings), batches_of(60, multiple=4, **settings)
    for position in range(20):
        one, other = plain.at(position).data, longer.at(position).data
        lengths = lengths_in(one)
        times = int(lengths.max())
        assert len(other.ids) == -(-times // 4) * 4
        assert other.lengths.tolist() == lengths.tolist()
        assert np.array_equal(other.ids[:times], one.ids)
        assert (other.ids[times:] == other.ids[times - 1]).all()
        assert other.targets.tolist() == one.targets.tolist()
        assert [mask.shape[-1] for mask in other.keep] == [3, 4, 2]
        for mask, right in zip(other.keep[:-1], one.keep[:-1], strict=True):
            assert mask.shape[:2] == other.ids.shape
            assert np.array_equal(mask[:times], right)
        assert np.array_equal(other.keep[-1], one.keep[-1])


def test_masks_keep_their_share():
    source = batches_of(1000, dropout=0.25, masks=(3, 2))
    over_time, once = (np.concatenate([data.keep[k].reshape(-1) for data in epoch(source)]) for k in range(2))
    assert np.abs(over_time.mean() - 0.75) < 0.02
    assert np.abs(once.mean() - 0.75) < 0.06
    assert set(over_time.tolist()) | set(once.tolist()) == {False, True}


def test_sequences_in_a_file(tmp_path):
    """Ids, ends and targets that are mapped into memory give the same batches; pages are released after each pool."""
    count, released = 2 * POOL * 8 + 5, []
    ids, ends = drawn(count)
    arrays = {"ids": ids, "ends": ends, "targets": np.arange(count).astype(np.uint32)}
    for name, array in arrays.items():
        array.tofile(tmp_path / name)
    mapped = [np.memmap(tmp_path / name, array.dtype, "r") for name, array in arrays.items()]
    source = SequenceBatches(*mapped, batch_size=8, seed=3, release=lambda: released.append(1))
    plain = SequenceBatches(*arrays.values(), batch_size=8, seed=3)
    for position in range(2 * source.batches):
        assert in_bytes(source.at(position).data) == in_bytes(plain.at(position).data)
    assert len(released) == 6
    assert type(source.at(0).data.ids) is np.ndarray


def test_several_targets_a_sequence():
    ids, ends = drawn(20)
    targets = np.eye(4)[np.arange(20) % 4]
    source = SequenceBatches(ids, ends, targets, batch_size=6)
    found = np.concatenate([data.targets for data in epoch(source)])
    assert found.shape == (20, 4)
    assert found.dtype == np.float64
    assert found.sum(axis=0).tolist() == [5.0] * 4
    assert batches_of().at(0).data.targets.dtype == np.int64


@pytest.mark.parametrize("multiple", [1, 4])
def test_sequences_side_by_side(multiple):
    ids, ends = np.asarray([7, 8, 9, 5, 6, 1], np.uint8), np.asarray([3, 5, 6])
    side_by_side, lengths = padded(ids, ends, np.asarray([0, 1, 2]), multiple)
    columns = [[7, 8, 9], [5, 6, 6], [1, 1, 1]]
    right = [
        list(itertools.islice(itertools.chain(c, itertools.repeat(c[-1])), 3 if multiple == 1 else 4)) for c in columns
    ]
    assert side_by_side.T.tolist() == right
    assert lengths.tolist() == [3, 2, 1]
    assert side_by_side.dtype == np.int64
    assert lengths_of(ends, np.asarray([1, 0, 2, 1])).tolist() == [2, 3, 1, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a positive whole number, got 0"),
        ({"word_dropout": 1.0}, r"word_dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": -0.5}, r"dropout must be in \[0, 1\), got -0.5"),
    ],
)
def test_what_makes_no_batches(settings, message):
    with pytest.raises(ValueError, match=message):
        batches_of(**settings)
