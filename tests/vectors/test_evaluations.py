"""Files of questions: analogies and word pairs."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest
import scipy.stats

from portnn import KeyedVectors
from portnn.vectors import AnalogySection
from portnn.vectors.word_pairs import correlation, ranks

pytestmark = pytest.mark.host


@pytest.fixture
def wv():
    table = {
        "man": [1, 0, 0, 0],
        "woman": [1, 1, 0, 0],
        "king": [1, 0, 5, 0],
        "queen": [1, 1, 5, 0],
        "Man": [1, 0.1, 0, 0],
        "paris": [0, 0, 1, 3],
        "france": [0, 0, -2, 3],
        "berlin": [0, 0.1, 1, 3.1],
        "germany": [0, 0.1, -2, 3.1],
    }
    return KeyedVectors(table, list(table.values()))


def test_sections_and_what_is_left_out(wv, tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(
        "\ufeff: family\nman woman king queen\nMAN Woman King Queen\nman woman king paris\nman woman king kaiser\n\n"
        ": capitals\r\nparis france berlin germany\r\n: none\noslo norway berlin germany\n:empty\n",
        encoding="utf-8",
    )
    scores = wv.evaluate_word_analogies(path)
    accuracy, sections = scores
    expected = [("family", 2, 3, 1), ("capitals", 1, 1, 0), ("none", 0, 0, 1), ("empty", 0, 0, 0)]
    assert sections == [AnalogySection(*section) for section in expected]
    assert accuracy == 3 / 4
    assert (scores.correct, scores.questions, scores.unknown) == (3, 4, 2)
    assert sections[0].accuracy == 2 / 3
    assert math.isnan(sections[2].accuracy)
    assert wv.evaluate_word_analogies(path, case_insensitive=False).sections[0] == AnalogySection("family", 1, 2, 2)
    assert wv.evaluate_word_analogies(path, restrict_vocab=6).sections[1] == AnalogySection("capitals", 0, 0, 1)
    packed = tmp_path / "questions.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert wv.evaluate_word_analogies(packed) == scores


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"man woman king queen\n", "line 1: a question precedes the first ': section'"),
        (b": family\n\nman woman king\n", "line 3: 3 words, expected four"),
        (b": family\nman woman king queen more\n", "line 2: 5 words, expected four"),
        (b": family\n\xff\n", "line 2: byte 0xff is not UTF-8"),
        (b": family\na b c d\n", "none of its 1 questions has all four words in the vocabulary"),
        (b"", "none of its 0 questions has all four words in the vocabulary"),
    ],
)
def test_malformed_question_files(wv, tmp_path, data, message):
    path = tmp_path / "questions.txt"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        wv.evaluate_word_analogies(path)
    assert str(path) in str(caught.value)


def test_pairs(wv, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text(
        "# word pairs\nman\tWoman\t7.5\nking\tqueen\t8\nparis\tman\t0.5\noslo\tman\t3\n\nparis\tberlin\t8\n"
    )
    scores = wv.evaluate_word_pairs(path)
    computed = [
        wv.similarity(*pair) for pair in (("man", "woman"), ("king", "queen"), ("paris", "man"), ("paris", "berlin"))
    ]
    judged = [7.5, 8, 0.5, 8]
    assert scores.pearson == pytest.approx(scipy.stats.pearsonr(judged, computed).statistic)
    assert scores.spearman == pytest.approx(scipy.stats.spearmanr(judged, computed).statistic)
    assert (scores.pairs, scores.unknown) == (4, 1)
    assert wv.evaluate_word_pairs(path, case_insensitive=False).unknown == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"man woman 3\n", "line 1: 1 fields between tabs, expected word, word, score"),
        (b"# x\nman\twoman\tmuch\n", "line 2: 'much' is not a number"),
        (b"man\twoman\t1_0\n", "line 1: '1_0' is not a number"),
        ("man\twoman\t\u0664\n".encode(), "line 1: '\u0664' is not a number"),
        (b"man\twoman\tnan\n", "line 1: the score is nan, expected a finite number"),
        (b"man\t\xff\t1\n", "line 1: byte 0xff is not UTF-8"),
        (
            b"man\twoman\t1\noslo\tman\t2\n",
            "of 2 word pairs, 1 have both words in the vocabulary; a correlation needs two",
        ),
        (b"", "of 0 word pairs, 0 have both words"),
    ],
)
def test_malformed_pair_files(wv, tmp_path, data, message):
    path = tmp_path / "pairs.tsv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        wv.evaluate_word_pairs(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("evaluate", [KeyedVectors.evaluate_word_analogies, KeyedVectors.evaluate_word_pairs])
def test_the_arguments(wv, tmp_path, evaluate):
    with pytest.raises(FileNotFoundError, match="nothing"):
        evaluate(wv, tmp_path / "nothing")
    for restrict, error in ((0, ValueError), (2.5, ValueError), ("3", TypeError)):
        with pytest.raises(error, match=f"restrict_vocab must be a positive whole number, got {restrict!r}"):
            evaluate(wv, tmp_path / "nothing", restrict_vocab=restrict)


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_byte_order_mark_is_skipped_and_only_ascii_spaces_separate(tmp_path, start, suffix):
    words = ["10\u00a0km", "\u2028", "\x85", "\x1c"]
    wv = KeyedVectors(words, np.eye(4))
    for name, text in (("analogies", ": \u00a0\n" + " ".join(words)), ("pairs", f"{words[0]}\t{words[1]} \t1\n" * 2)):
        path = tmp_path / f"{name}{suffix}"
        data = (start + text).encode()
        path.write_bytes(gzip.compress(data) if suffix else data)
    scores = wv.evaluate_word_analogies(tmp_path / f"analogies{suffix}")
    assert scores.sections == [AnalogySection("\u00a0", 1, 1, 0)]
    assert wv.evaluate_word_pairs(tmp_path / f"pairs{suffix}", restrict_vocab=np.int64(4)).pairs == 2


def test_correlations_are_those_of_scipy(rng):
    for size in (2, 3, 10, 500):
        x, y = rng.integers(max(2, size // 3), size=(2, size)).astype(float)
        x[0], y[0] = x[1] + 1, y[1] - 1
        assert correlation(x, y) == pytest.approx(scipy.stats.pearsonr(x, y).statistic)
        assert np.array_equal(ranks(x), scipy.stats.rankdata(x))
        assert correlation(ranks(x), ranks(y)) == pytest.approx(scipy.stats.spearmanr(x, y).statistic)


def test_constants_have_no_correlation():
    assert math.isnan(correlation([1, 1, 1], [1, 2, 3]))
