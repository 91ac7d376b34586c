"""Captions that are said: by beam search as by trying all sentences, greedily, and at random as the softmax says."""

from __future__ import annotations

import itertools
import math
import sys

import numpy as np
import pytest
import sacrebleu
from numpy.testing import assert_allclose

from portnn.backends import to_host, tree_map
from portnn.estimators.caption_beam import CHUNK, beam_search, largest
from portnn.models import CaptionBatch

from .test_captioner import CAPTIONS, FEATURES, LEARNING, QUICK, speaker

WORDS = ["red", "dog", "sleeps"]
STRANGE = np.random.default_rng(8).normal(size=(7, 4))


def talker(backend="numpy", **changes):
    """A captioner of three words whose captions vary, of random weights."""
    model = speaker(backend, **{"init_scale": 1.2, **changes})
    return model.fit(FEATURES, [" ".join(WORDS)] * len(FEATURES), progress=False, steps=1, learning_rate=1e-9)


def log_probabilities(model, features, sentence):
    """Of the next id after each beginning of a sentence (words + 1, ids), from the logits of the whole by NumPy."""
    ids = [model.vocabulary.index[word] for word in sentence]
    inputs = np.asarray([model.model.boundary, *ids])[:, None]
    batch = CaptionBatch(features[None], inputs, inputs, np.ones(inputs.shape))
    logits = model.model.logits(tree_map(to_host, model.params), batch, xp=np)[0][:, 0]
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def total(model, features, sentence, *, ended=True):
    """Log-probability of a sentence, with its end or without."""
    log_p = log_probabilities(model, features, sentence)
    ids = [model.vocabulary.index[word] for word in sentence] + [model.model.boundary] * ended
    return float(log_p[np.arange(len(ids)), ids].sum())


def greedy(model, features, most):
    """The likeliest known word or the end, again and again."""
    sentence = []
    while True:
        log_p = log_probabilities(model, features, sentence)[-1]
        log_p[len(model.vocabulary)] = -np.inf  # unknown words
        best = int(log_p.argmax())
        if best == model.model.boundary or len(sentence) == most:
            return tuple(sentence), best == model.model.boundary
        sentence.append(model.vocabulary.words[best])


@pytest.fixture(scope="module")
def talking():
    return talker()


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0])
def test_a_wide_beam_finds_the_best_of_all_sentences(backend, penalty):
    """Those that compete by log-probability / length ** penalty; at 0 short ones win, and each penalty is followed."""
    model, most = talker(backend), 3
    every = [s for length in range(most + 1) for s in itertools.product(WORDS, repeat=length)]
    said = model.generate(STRANGE[:4], beam=150, length_penalty=penalty, max_length=most)
    for features, caption in zip(STRANGE, said, strict=False):
        sums = {sentence: total(model, features, sentence) for sentence in every}
        right = max(every, key=lambda sentence: sums[sentence] / (len(sentence) + 1.0) ** penalty)
        assert (caption.words, caption.ended) == (right, True)
        assert caption.log_probability == pytest.approx(sums[right], rel=1e-9)


@pytest.mark.host
def test_the_penalty_changes_the_choice_as_the_formula_says():
    """Two sentences: the end at once with probability 0.4, or three words with 0.6 * 0.8 ** 3."""
    log_p = np.full((3, 3), -50.0)  # ids: a word, another, the end
    log_p[2] = np.log([0.6, 1e-9, 0.4])
    steps = iter(range(100))

    def advance(ids, parents):
        step = next(steps) % 10
        if step == 0:
            return np.repeat(log_p[2:], len(ids), axis=0)
        following = np.log([0.8, 1e-9, 0.2]) if step < 3 else np.log([1e-9, 1e-9, 0.8])
        return np.repeat(following[None], len(ids), axis=0)

    short, long = math.log(0.4), math.log(0.6 * 0.8**3)
    turn = math.log(short / long) / math.log(0.25)  # short == long / 4 ** penalty
    for penalty, right in ((turn - 0.05, []), (turn + 0.05, [0, 0, 0])):
        steps = iter(range(100))
        found = beam_search(advance, 1, beam=27, boundary=2, max_length=3, length_penalty=penalty)
        assert found.ids[0].tolist() == right + [2] * (3 - len(right))
        assert found.log_probability[0] == pytest.approx(long if right else short, rel=1e-9)


@pytest.mark.parametrize("settings", [{}, {"cell": "lstm", "num_layers": 2}, {"features_at": "every", "cell": "rnn"}])
def test_a_beam_of_one_takes_the_likeliest_word_each_time(backend, settings):
    """Whatever images are asked for beside it; the log-probability is that of the logits."""
    model = talker(backend, **settings)
    for most in (1, 6):
        said = model.generate(STRANGE, max_length=most)
        for features, caption in zip(STRANGE, said, strict=True):
            assert (caption.words, caption.ended) == greedy(model, features, most)
            right = total(model, features, caption.words, ended=caption.ended)
            assert caption.log_probability == pytest.approx(right, rel=1e-9)


@pytest.mark.host
@pytest.mark.parametrize("beam", [1, 2, 3])
def test_other_images_do_not_matter(talking, beam, monkeypatch):
    together = talking.generate(STRANGE, beam=beam, max_length=8)
    alone = [talking.generate(STRANGE[k : k + 1], beam=beam, max_length=8)[0] for k in range(7)]
    monkeypatch.setattr("portnn.estimators.captioning.ENTRIES", 3 * beam * talking.model.vocabulary_size)
    for others in (alone, talking.generate(STRANGE, beam=beam, max_length=8)):
        for caption, right in zip(together, others, strict=True):
            assert caption.words == right.words
            assert caption.log_probability == pytest.approx(right.log_probability, rel=1e-12)


def searched(table, beam, most, end):
    """The best caption by a plain beam search, where `table` has log-probabilities of the id after each."""
    live, whole = [(0.0, ())], []
    for step in range(most + 1):
        options = sorted(((total + table[(end, *ids)[-1], k], ids, k) for total, ids in live for k in range(end + 1)))
        whole += [(total / (step + 1), ids) for total, ids, k in options[-beam:] if k == end]
        whole = sorted(whole)[-beam:]
        if step == most:
            break
        live = [(total, (*ids, k)) for total, ids, k in options if k != end][-beam:]
        if len(whole) == beam and live[-1][0] / (step + 1) <= whole[0][0]:
            break
    return list(whole[-1][1] if whole else live[-1][1])


@pytest.mark.host
@pytest.mark.parametrize("beam", [1, 2, 4])
def test_of_many_random_searches_all_are_plain_ones_whatever_their_company(rng, beam):
    tables = rng.normal(size=(60, 5, 5)) * 2.0
    tables -= np.log(np.exp(tables).sum(axis=2, keepdims=True))
    rows = np.repeat(np.arange(60), beam)
    options = {"beam": beam, "boundary": 4, "max_length": 8, "length_penalty": 1.0}
    together = beam_search(lambda ids, _: tables[rows, ids], 60, **options)
    for table, ids in zip(tables, together.ids, strict=True):
        right = searched(table, beam, 8, 4)
        assert ids.tolist() == right + [4] * (8 - len(right))


@pytest.mark.host
def test_a_caption_that_does_not_end_is_cut(talking):
    endless = np.full((6, 6), -1.0)
    endless[:, 5] = -np.inf
    found = beam_search(lambda ids, _: endless[ids], 1, beam=1, boundary=5, max_length=4, length_penalty=1.0)
    assert (found.ids.tolist(), found.log_probability.tolist(), found.ended.tolist()) == ([[0] * 4], [-4.0], [False])
    for how in ({"beam": 2}, {}, {"temperature": 1.0}):
        cut = talking.generate(STRANGE, max_length=2, **how)
        assert any(not caption.ended for caption in cut)
        for features, caption in zip(STRANGE, cut, strict=True):
            assert len(caption.words) <= 2
            assert caption.ended or len(caption.words) == 2
            right = total(talking, features, caption.words, ended=caption.ended)
            assert caption.log_probability == pytest.approx(right, rel=1e-9)


@pytest.mark.host
def test_the_same_seed_draws_the_same_captions_in_blocks_of_any_size(talking, monkeypatch):
    how = {"temperature": 1.5, "max_length": 6}
    right = talking.generate(STRANGE, **how, seed=1)
    assert talking.generate(STRANGE, **how, seed=1) == right
    assert [c.words for c in talking.generate(STRANGE, **how, seed=2)] != [c.words for c in right]
    monkeypatch.setattr("portnn.estimators.captioning.ENTRIES", 3 * talking.model.vocabulary_size)
    assert [c.words for c in talking.generate(STRANGE, **how, seed=1)] == [c.words for c in right]
    for seeds in ((None, None), (3, 4)):
        several = [talking.generate(np.repeat(STRANGE, 5, axis=0), **how, seed=seed) for seed in seeds]
        assert several[0] != several[1]


@pytest.mark.host
@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.6, None), (2.0, 2)])
def test_first_words_are_drawn_as_often_as_the_softmax_says(temperature, top_k):
    """At a temperature, of the likeliest, and with unknown words left out; chi-square of 2 degrees, or fewer."""
    talking, count = talker(init_scale=0.5), 4000
    how = {"temperature": temperature, "top_k": top_k, "max_length": 1, "seed": 5}
    said = talking.generate(np.repeat(STRANGE[:1], count, axis=0), **how)
    log_p = log_probabilities(talking, STRANGE[0], [])[0]
    log_p[len(WORDS)] = -np.inf
    if top_k is not None:
        log_p[log_p < np.sort(log_p)[-top_k]] = -np.inf
    share = np.exp(log_p / temperature)
    share /= share.sum()
    index = talking.vocabulary.index
    first = [index[c.words[0]] if c.words else talking.model.boundary for c in said]
    seen = np.bincount(first, minlength=len(share))
    possible = share > 0.0
    assert not seen[~possible].any()
    assert ((seen - count * share)[possible] ** 2 / (count * share[possible])).sum() < 16.3
    assert (share[possible] > 0.002).all()
    assert possible.sum() == (top_k or len(WORDS) + 1)


@pytest.mark.host
def test_without_heat_or_choice_drawing_is_greedy(talking):
    right = [(c.words, c.ended) for c in talking.generate(STRANGE, max_length=6)]
    for how in ({"temperature": 1e-9}, {"temperature": 3.0, "top_k": 1}, {"temperature": 1e-300}):
        assert [(c.words, c.ended) for c in talking.generate(STRANGE, max_length=6, seed=4, **how)] == right


@pytest.mark.host
def test_weights_that_are_no_numbers_say_no_captions():
    model = talker()
    model.params["output.bias"] = np.full_like(model.params["output.bias"], np.nan)
    for how in ({}, {"temperature": 1.0}):
        with pytest.raises(ValueError, match="the model's logits are not finite; are there NaN or infinity in its"):
            model.generate(STRANGE, **how)


@pytest.mark.host
@pytest.mark.parametrize("most", [1, 2, 5, 40])
@pytest.mark.parametrize("n", [1, 2, 7, CHUNK, CHUNK + 1, 5 * CHUNK - 3, 12 * CHUNK, 97 * CHUNK + 5])
def test_the_largest_are_those_of_a_whole_sort(rng, n, most):
    """With ties, of which the first come first, and with many entries of minus infinity."""
    for levels, lost in ((10**9, 0.0), (4, 0.0), (10**9, 0.9), (2, 0.99), (1, 1.0)):
        values = rng.integers(0, levels, (3, n)).astype(np.float32)
        values[rng.random((3, n)) < lost] = -np.inf
        places, right = largest(values, most), np.argsort(-values, axis=1, kind="stable")[:, : min(most, n)]
        found, wanted = (np.take_along_axis(values, each, axis=1) for each in (places, right))
        assert np.array_equal(found, wanted)
        if len(np.unique(values)) == values.size:
            assert np.array_equal(places, right)
        for row, entries in zip(places, found, strict=True):
            ordered = [(-value, place) for value, place in zip(entries, row, strict=True) if np.isfinite(value)]
            assert ordered == sorted(set(ordered))


@pytest.mark.host
def test_an_evaluation_by_hand(monkeypatch):
    """Loss per word and end, exact captions, and BLEU; images without captions do not count."""
    model = speaker().fit(FEATURES, CAPTIONS, **{**LEARNING, "epochs": 6})
    given = [[] if row % 5 == 2 else several for row, several in enumerate(CAPTIONS)]
    given[0] = ["a zebra sleeps", "two cats"]
    described = [row for row, several in enumerate(given) if several]
    losses, count = [], 0
    for row in described:
        for caption in given[row]:
            ids = [model.vocabulary.index.get(word, len(model.vocabulary)) for word in caption.split()]
            inputs, targets = (np.asarray(each)[:, None] for each in ([model.model.boundary, *ids], [*ids, -1]))
            targets[-1] = model.model.boundary
            batch = CaptionBatch(FEATURES[row][None], inputs, targets, np.ones(inputs.shape))
            losses.append(float(model.model.mean_loss(model.params, batch, xp=np)) * len(inputs))
            count += len(inputs)
    said = model.generate(FEATURES[described], beam=2, max_length=5)
    right = [caption.text in given[row] for row, caption in zip(described, said, strict=True)]
    references = [[given[row][k] if k < len(given[row]) else None for row in described] for k in range(2)]
    score = sacrebleu.corpus_bleu([caption.text for caption in said], references).score
    measured = model.evaluate(FEATURES, given, beam=2, max_length=5)
    assert measured.loss == pytest.approx(sum(losses) / count, rel=1e-12)
    assert 0.0 < measured.exact == np.mean(right) < 1.0
    assert 0.0 < measured.bleu == pytest.approx(score, rel=1e-12)
    assert (measured.captions, measured.images) == (len(losses), len(described))
    monkeypatch.setattr("portnn.estimators.caption_evaluation.ENTRIES", 60)
    monkeypatch.setattr("portnn.estimators.caption_evaluation.CHUNK", 5)
    assert model.evaluate(FEATURES, given, beam=2, max_length=5).loss == pytest.approx(measured.loss, rel=1e-12)
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    assert model.evaluate(FEATURES, given, beam=2, max_length=5)[1:3] == (measured.exact, None)


def test_more_than_is_computed_at_a_time(backend, monkeypatch):
    model = speaker(backend).fit(FEATURES, CAPTIONS, **QUICK)
    right = model.evaluate(FEATURES, CAPTIONS)
    monkeypatch.setattr("portnn.estimators.caption_evaluation.ENTRIES", 150)
    monkeypatch.setattr("portnn.estimators.caption_evaluation.CHUNK", 11)
    assert_allclose(model.evaluate(FEATURES, CAPTIONS)[:2], right[:2], rtol=1e-10)
