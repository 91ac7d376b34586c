"""Blocks of words and their windows, against plain loops over the text."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from portnn.batches import WindowBatches, WindowSettings, chance_to_keep, steady_batch_size
from portnn.models import WordVectors
from portnn.settings import declared

pytestmark = pytest.mark.host

VOCABULARY = 9
MARK = VOCABULARY
PLAIN = {"sample": 0.0, "shrink_windows": False}


def text(*, sentences=30, longest=12, seed=5):
    """Sentences of 1 to `longest` words."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, VOCABULARY, rng.integers(1, longest + 1)).tolist() for _ in range(sentences)]


def as_ids(sentences):
    return np.concatenate([np.asarray([*sentence, MARK], np.uint8) for sentence in sentences])


def made(ids, counts, words, **options):
    """Window batches; options are settings of windows, or of the batches themselves."""
    settings = WindowSettings(**{name: options.pop(name) for name in declared(WindowSettings) if name in options})
    return WindowBatches(ids, counts, words, settings, **options)


def batches(sentences, **options):
    ids = as_ids(sentences) if isinstance(sentences, list) else sentences
    counts = np.bincount(ids, minlength=MARK + 1)[:MARK]
    plain = {"window": 3, "sample": 0.02, "block_size": 5, "batch_size": 40, "shared_negatives": 4, "seed": 2}
    return made(ids, counts, int(counts.sum()), **{**plain, **options})


def epoch(source, number=0):
    """All batches of one pass over the text, with the terms of each."""
    first = number * source.batches
    return [source.at(position)[:2] for position in range(first, first + source.batches)]


def pairs_of(batch, window):
    """Pairs (own word, neighbour) that count in a batch, in order."""
    blocks, length, _ = batch.weights.shape
    return [
        (int(batch.ids[b, window + i]), int(batch.ids[b, j]))
        for b, i in np.ndindex(blocks, length)
        for j in range(length + 2 * window)
        if batch.weights[b, i, j]
    ]


def pairs_by_hand(sentences, window):
    return [
        (word, sentence[j])
        for sentence in sentences
        for i, word in enumerate(sentence)
        for j in range(max(0, i - window), min(len(sentence), i + window + 1))
        if j != i
    ]


@pytest.mark.parametrize("window", [1, 2, 3, 7])
@pytest.mark.parametrize("block_size", [1, 2, 5, 40])
def test_every_pair_of_a_text_comes_once(window, block_size):
    sentences = text()
    source = batches(sentences, window=window, block_size=block_size, **PLAIN)
    assert source.slices == 1
    found = [pair for batch, _ in epoch(source) for pair in pairs_of(batch, window)]
    assert sorted(found) == sorted(pairs_by_hand(sentences, window))


def test_a_word_that_is_its_own_neighbour_counts_and_its_own_place_does_not():
    source = batches([[4, 4, 4]], window=2, batch_size=3, block_size=3, **PLAIN)
    batch, terms, starts, *_ = source.at(0)
    windows = batch.weights[0, :3, :7]
    assert windows.tolist() == [[0, 0, 0, 1, 1, 0, 0], [0, 0, 1, 0, 1, 0, 0], [0, 0, 1, 1, 0, 0, 0]]
    assert (terms, starts) == (6.0, True)


def test_windows_shrink_at_random_and_evenly():
    """From the middle of one long sentence, how far a window reaches is drawn from 1..window."""
    window, words = 4, 20_000
    sentence = np.random.default_rng(1).integers(0, VOCABULARY, words).tolist()
    source = batches([sentence], window=window, batch_size=words, block_size=50, sample=0.0, negative=0)
    batch = source.at(0).data
    windows = batch.weights.reshape(-1, 50, 50 + 2 * window)
    reaches = []
    for b, i in np.ndindex(windows.shape[:2]):
        here = np.flatnonzero(windows[b, i]) - window - i
        if window <= b * 50 + i < words - window:
            reach = int(here.max())
            assert here.tolist() == [*range(-reach, 0), *range(1, reach + 1)]
            reaches.append(reach)
    found = np.bincount(reaches, minlength=window + 1)
    assert found[0] == 0
    even = len(reaches) / window
    assert np.all(np.abs(found[1:] - even) < 4.0 * np.sqrt(even))


@pytest.mark.parametrize("sg", [True, False], ids=["skip-gram", "CBOW"])
@pytest.mark.parametrize("shrink", [True, False])
def test_negatives_weigh_by_the_positives_that_differ(sg, shrink):
    window, drawn, negative = 3, 6, 5
    settings = {"window": window, "sg": sg, "negative": negative, "shared_negatives": drawn, "shrink_windows": shrink}
    source = batches(text(), sample=0.2, **settings)
    met = 0
    for batch, terms in epoch(source):
        blocks, length, columns = batch.weights.shape
        around = length + 2 * window
        assert columns == around + drawn
        total = 0
        for b, i in np.ndindex(blocks, length):
            inside = [int(batch.ids[b, j]) for j in range(around) if batch.weights[b, i, j]]
            positives = inside if sg else ([int(batch.ids[b, window + i])] if inside else [])
            total += len(positives)
            for k in range(around, columns):
                differ = sum(word != batch.ids[b, k] for word in positives)
                met += differ < len(positives)
                assert batch.weights[b, i, k] == pytest.approx(negative / drawn * differ, rel=1e-6)
        assert terms == total
    assert met > 20  # negatives that are a positive


def test_a_full_softmax_has_no_negatives():
    batch = batches(text(), negative=0).at(0).data
    assert batch.ids.shape[1] == batch.weights.shape[2] == 5 + 2 * 3


def test_negatives_are_drawn_by_their_counts_to_a_power():
    ids = np.repeat(np.arange(5, dtype=np.uint8), [500, 100, 20, 5, 1])
    for exponent in (0.75, 0.0, 1.0, -0.5):
        sizes = {"window": 2, "shared_negatives": 400, "batch_size": 10, "block_size": 5}
        source = made(ids, np.asarray([500, 100, 20, 5]), 625, sample=0.0, ns_exponent=exponent, **sizes)
        drawn = np.concatenate([batch.ids[:, 9:].reshape(-1) for batch, _ in epoch(source)])
        p = np.asarray([500.0, 100.0, 20.0, 5.0]) ** exponent
        p /= p.sum()
        found = np.bincount(drawn, minlength=4)
        assert np.all(np.abs(found - drawn.size * p) < 4.0 * np.sqrt(drawn.size * p))


def test_subsampling_follows_the_formula():
    rng = np.random.default_rng(3)
    p = np.asarray([0.5, 0.3, 0.1, 0.06, 0.03, 0.01])
    words = 60_000
    ids = np.append(rng.choice(6, words, p=p), 6).astype(np.uint8)
    counts = np.bincount(ids)[:6]
    sample = 0.02
    source = made(ids, counts, words, window=1, sample=sample, batch_size=words, block_size=100, negative=0)
    batch = source.at(0).data
    own = batch.ids[:, 1:-1].reshape(-1)
    lone = batch.weights.sum(axis=-1).reshape(-1) == 0  # the padding at the end
    found = np.bincount(own[~lone], minlength=6)
    share = counts / words
    chance = np.minimum(np.sqrt(sample / share) + sample / share, 1.0)
    assert chance[-1] == 1.0 > chance[-3]
    assert np.array_equal(chance_to_keep(counts, sample), chance)
    assert found[-1] == counts[-1]
    assert np.all(np.abs(found - counts * chance) <= 4.0 * np.sqrt(counts * chance * (1.0 - chance)) + 1.0)
    assert abs(source.batches - 1) == 0
    assert np.array_equal(chance_to_keep(counts, 0.0), np.ones(6))


def test_sentences_end_where_words_are_left_out_too():
    """Sentences of one word have no pairs, however many words around them go."""
    source = batches([[word] for word in [*range(VOCABULARY)] * 40], sample=0.02)
    for batch, terms in epoch(source):
        assert terms == 0.0
        assert not batch.weights.any()


def test_words_left_out_bring_their_neighbours_nearer():
    """Word 0 is so frequent that it is always left out; windows then reach across its place."""
    words = 4000
    sentence = [0] * words
    for place in range(100, words, 400):
        sentence[place] = 1 + place % VOCABULARY % 8
    rare = [word for word in sentence if word]
    source = batches([sentence], window=2, sample=1e-9, shrink_windows=False, batch_size=20)
    source.keep = np.where(np.arange(MARK + 1) == 0, 0.0, 1.0).astype(np.float32)
    found = [pair for batch, _ in epoch(source) for pair in pairs_of(batch, 2)]
    assert found == pairs_by_hand([rare], 2)


def test_slices_cut_the_text_and_nothing_is_lost():
    """Windows end where a slice does; all words come once, and an epoch starts where the text does."""
    sentences = text(sentences=300)
    source = batches(sentences, batch_size=4, **PLAIN)
    assert source.slices > 3
    ids = as_ids(sentences)
    pieces = []
    for place in range(source.slices):
        piece = ids[len(ids) * place // source.slices : len(ids) * (place + 1) // source.slices]
        pieces += [part.tolist() for part in np.split(piece, np.flatnonzero(piece == MARK))]
    by_hand = [pair for piece in pieces for pair in pairs_by_hand([[word for word in piece if word != MARK]], 3)]
    starts = []
    for number in range(2):
        found = []
        for position in range(number * source.batches, (number + 1) * source.batches):
            batch, _, start, *_ = source.at(position)
            starts.append(start)
            found += pairs_of(batch, 3)
        assert sorted(found) == sorted(by_hand)
    assert [place for place, start in enumerate(starts) if start] == [0, source.batches]
    assert source.tokens * source.batches == pytest.approx(sum(map(len, sentences)))


def test_blocks_without_words_have_no_pairs():
    """Twelve words in blocks of five: what is over counts nothing, in any batch."""
    source = batches([list(range(9)), [0, 1, 2]], batch_size=4, **PLAIN)
    total = 0.0
    for batch, terms in epoch(source):
        assert batch.ids.min() >= 0
        assert batch.ids.max() < VOCABULARY
        empty = batch.weights[:, :, : 4 + 6].sum(axis=-1) == 0
        assert not batch.weights[empty].any()
        assert terms == batch.weights[:, :, : 4 + 6].sum()
        total += terms
    assert total == len(pairs_by_hand([list(range(9)), [0, 1, 2]], 3))


@pytest.mark.parametrize("ids", [[MARK], [], [MARK, MARK, MARK]])
def test_slices_without_words(ids):
    source = made(np.asarray(ids, np.uint8), np.ones(MARK, int), 0, window=2, batch_size=8, block_size=4)
    batch, terms, starts, *_ = source.at(0)
    assert (starts, terms) == (True, 0.0)
    assert not batch.weights.any()


def test_everything_may_be_left_out():
    source = batches(text(), sample=1e-30)
    for batch, terms in epoch(source):
        assert terms == 0.0
        assert not batch.weights.any()


def test_one_long_sentence():
    sentence = np.random.default_rng(4).integers(0, VOCABULARY, 600).tolist()
    source = batches([sentence], window=5, batch_size=50, block_size=7, **PLAIN)
    assert source.slices == 1
    found = [pair for batch, _ in epoch(source) for pair in pairs_of(batch, 5)]
    assert sorted(found) == sorted(pairs_by_hand([sentence], 5))


def test_blocks_are_dealt_out_in_turn():
    """A word that comes in a burst is in every batch a little, not all in one."""
    source = batches([[1] * 64 + [2] * 64], window=1, batch_size=32, block_size=8, **PLAIN)
    assert source.batches == 4
    for batch, _ in epoch(source):
        assert sorted(batch.ids[:, 4].tolist()) == [1, 1, 2, 2]


def drawn(source, stop, start=0):
    made = (source.at(position) for position in range(start, stop))
    return [[*(array.tobytes() for array in data), terms, starts] for data, terms, starts, *_ in made]


@pytest.mark.parametrize("position", [1, 63, 70, 140])
def test_a_position_is_all_there_is_to_go_on_from(position):
    """Within a slice, in the next one, in the second pass, and backwards."""
    sentences = text(sentences=120)
    source = batches(sentences, batch_size=4)
    assert source.per_slice < 70 < source.batches < 140
    whole = drawn(source, 150)
    other = batches(sentences, batch_size=4)
    assert drawn(other, 150, position) == whole[position:]
    assert drawn(other, 5, 3) == whole[3:5]


def test_passes_and_seeds_draw_anew():
    source = batches(text(), batch_size=16)
    whole = drawn(source, 2 * source.batches)
    assert not any(left == right for left, right in zip(whole, whole[source.batches :], strict=False))
    assert drawn(batches(text(), batch_size=16, seed=3), 5) != whole[:5]
    assert drawn(batches(text(), batch_size=16, seed=(2, 1)), 5) != whole[:5]
    assert drawn(batches(text(), batch_size=16, seed=(2,)), 5) == whole[:5]


SCRIPT = """
import hashlib
import numpy as np
from portnn.batches import WindowBatches, WindowSettings
ids = np.random.default_rng(1).integers(0, 10, 5000).astype(np.uint8)
settings = WindowSettings(window=3, sample=0.01)
source = WindowBatches(ids, np.bincount(ids)[:9], int((ids < 9).sum()), settings, batch_size=64, seed=4)
digest = hashlib.sha256()
for position in range(60):
    for array in source.at(position).data:
        digest.update(array.tobytes())
print(digest.hexdigest())
"""


def test_the_same_batches_in_every_process():
    def digest(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", SCRIPT]
        return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout

    assert len(digest("1")) == 65
    assert digest("1") == digest("22")


def test_a_mapped_file_is_read_like_an_array_and_let_go_of(tmp_path):
    ids = as_ids(text(sentences=120))
    ids.tofile(tmp_path / "ids")
    mapped = np.memmap(tmp_path / "ids", np.uint8, "r")
    released = []
    source = batches(mapped, batch_size=16, release=lambda: released.append(1))
    assert drawn(source, 40) == drawn(batches(ids, batch_size=16), 40)
    source.close()
    assert len(released) >= source.slices


def test_closing_ends_the_thread_and_the_next_batch_starts_it_again():
    def running():
        now = {thread for thread in threading.enumerate() if thread.name.startswith("portnn-windows")}
        return len(now - before)

    before = set(threading.enumerate())  # of other tests
    source, other = batches(text(), batch_size=16), batches(text(), batch_size=16)
    first = drawn(source, 3)
    assert running() == 1
    source.close()
    assert running() == 0
    source.close()
    assert first + drawn(source, 33, 3) == drawn(other, 33)
    source.close()
    other.close()
    assert running() == 0


def test_an_error_in_the_thread_comes_out():
    released = []

    def release():
        released.append(1)
        if len(released) == 2:
            raise OSError("the disk is gone")

    source = batches(text(sentences=120), batch_size=4, release=release)
    assert len(drawn(source, source.per_slice)) == source.per_slice  # all that were made before it
    with pytest.raises(OSError, match="the disk is gone"):
        source.at(source.per_slice)
    source.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *(
            ({name: value}, f"^{name} must be a positive whole number, got {value!r}$")
            for name in ("window", "batch_size", "block_size", "shared_negatives")
            for value in (0, -1, 2.5, True)
        ),
        *(({"negative": value}, "^negative must be 0 or a positive whole number") for value in (-1, 0.5, True)),
        *(({"sample": value}, "^sample must be 0") for value in (-0.1, np.nan, np.inf)),
        *(({"ns_exponent": value}, "^ns_exponent must be a finite number") for value in (np.nan, np.inf)),
    ],
)
def test_settings_that_make_no_sense(change, message):
    with pytest.raises(ValueError, match=message):
        batches(text(), **change)


@pytest.mark.parametrize("sg", [True, False], ids=["skip-gram", "CBOW"])
def test_the_expected_gradient_is_that_of_word2vec(sg):
    """Where each pair draws its own negatives and skips those that are its target.

    The loss of the blocks is averaged over draws of the negatives that their positions share; what it tends to is
    worked out in full, as a sum over all words by their probability. 4.5 standard errors of the mean are allowed.
    """
    window, negative, size = 2, 3, 3
    sentences = [[0, 1, 2, 0, 3], [4, 1, 1, 0], [2, 2, 3]]
    rng = np.random.default_rng(8)
    params = {name: rng.normal(size=(VOCABULARY, size)) for name in ("input", "output")}
    ids = as_ids(sentences)
    counts = np.bincount(ids, minlength=MARK + 1)[:MARK]
    p = counts**0.75 / np.sum(counts**0.75)

    right = {name: np.zeros_like(table) for name, table in params.items()}
    for sentence in sentences:
        for i, word in enumerate(sentence):
            inside = [sentence[j] for j in range(max(0, i - window), min(len(sentence), i + window + 1)) if j != i]
            sources = [word] if sg else inside
            for target in inside if sg else [word]:
                h = params["input"][sources].mean(axis=0)
                s = 1.0 / (1.0 + np.exp(-params["output"] @ h))
                slope = negative * p * s
                slope[target] = s[target] - 1.0
                right["output"] += np.outer(slope, h)
                np.add.at(right["input"], sources, slope @ params["output"] / len(sources))

    model = WordVectors(VOCABULARY, size, window, sg=sg)
    sizes = {"window": window, "batch_size": 100, "block_size": 4, "shared_negatives": 8}
    source = batches(sentences, sg=sg, negative=negative, **sizes, **PLAIN)
    assert source.batches == 1
    draws = 2000
    moments = {name: [np.zeros_like(table), np.zeros_like(table)] for name, table in params.items()}
    for position in range(draws):
        _, _, cache = model.loss(params, source.at(position).data, xp=np)
        for name, (ids_, rows) in model.gradients(cache, xp=np).items():
            gradient = np.zeros_like(params[name])
            np.add.at(gradient, ids_, rows)
            moments[name][0] += gradient
            moments[name][1] += gradient**2
    source.close()
    for name, (total, squares) in moments.items():
        mean = total / draws
        error = np.sqrt(np.maximum(squares / draws - mean**2, 0.0) / draws)
        assert np.all(np.abs(mean - right[name]) <= 4.5 * error + 1e-6)
        assert error.max() < 0.05 * np.abs(right[name]).max()


@pytest.mark.parametrize("sg", [True, False], ids=["skip-gram", "CBOW"])
def test_the_most_frequent_word_tolerates_a_step(sg):
    """Learning rate times its pairs in a step is about 10 by default, and a step is no larger than is useful."""
    shares = 1.0 / np.arange(1, 3001)
    ids = np.random.default_rng(3).choice(3000, 60_000, p=shares / shares.sum())
    counts = np.bincount(ids, minlength=3000)
    ids = np.insert(ids, np.arange(20, 60_001, 20), 3000).astype(np.uint16)
    settings = WindowSettings(window=5, sg=sg, negative=5, sample=0.0)
    size = steady_batch_size(counts, settings, 0.05)
    source = WindowBatches(ids, counts, 60_000, settings, batch_size=size)
    pairs = []
    for batch, _ in epoch(source):
        most = batch.ids == 0
        columns = batch.weights.sum(axis=1)  # how often each word of a block is read or moved
        if sg:
            pairs.append(columns[most].sum())
        else:
            neighbours = batch.weights.shape[1] + 10
            pairs.append(columns[:, :neighbours][most[:, :neighbours]].sum())
    assert 0.7 * 10 < 0.05 * np.mean(pairs) < 1.1 * 10
    assert steady_batch_size(counts, settings, 1e-6) == {True: 512, False: 2048}[sg]
    assert steady_batch_size(counts[:100], settings, 1e-6) == 100
    assert steady_batch_size(counts[:100], settings, 1e-6, 2) == 100
    assert steady_batch_size(counts[:100], settings, 1e-6, 4) == 33


@pytest.mark.parametrize("shrink_windows", [True, False])
@pytest.mark.parametrize("sg", [True, False])
def test_windows_that_no_sentence_fills_need_no_room(sg, shrink_windows):
    """They are drawn as large as they are, and their pairs are the same."""
    sentences = text(longest=6)
    options = {"window": 40, "sg": sg, "shrink_windows": shrink_windows}
    whole, short = batches(sentences, **options), batches(sentences, longest=6, **options)
    assert (whole.reach, short.reach) == (40, 5)
    for (left, terms), (right, same) in zip(epoch(whole), epoch(short), strict=True):
        assert terms == same
        assert pairs_of(left, 40) == pairs_of(right, 5)
        assert right.ids.shape[1] == left.ids.shape[1] - 70
