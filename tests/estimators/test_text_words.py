"""Words of a `TextClassifier`: levels, those it does not know, long texts, and what is no text."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.models.sequence_classifier import TABLE

from .negations import LEARNING, QUICK, SIGNS, TEXTS, network, tables

CHINESE = ["这部电影很好", "这部电影很差", "故事很好", "演员很差"] * 5


@pytest.mark.host
@pytest.mark.parametrize("level", ["word", "space", "char", "byte", "jieba"])
def test_every_level_learns_and_is_loaded(level, tmp_path):
    model = network(level=level, cell="gru").fit(CHINESE, ["+", "-"] * 10, **{**LEARNING, "epochs": 12})
    if level not in ("word", "space"):  # those see one word in each of these texts
        assert model.predict(["故事很差", "演员很好"]).tolist() == ["-", "+"]
    assert model.score(CHINESE, ["+", "-"] * 10) == 1.0
    model.save(tmp_path / "m.safetensors")
    loaded = portnn.load(tmp_path / "m.safetensors")
    assert loaded.outputs(CHINESE).tolist() == model.outputs(CHINESE).tolist()
    assert len(model.vocabulary) == (256 if level == "byte" else len(set(model.vocabulary.words)))


@pytest.mark.host
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("text", ["", " \n\t", "zzz", "zzz yyy qqq", "good " * 10_000, "good" * 10_000, "\0", "🙂"])
def test_any_text_has_an_answer(cell, text):
    model = network(cell=cell, bidirectional=True).fit(TEXTS, SIGNS, **{**QUICK, "epochs": 1})
    probabilities = model.predict_proba([text, "good"])
    assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    assert_allclose(probabilities[1], model.predict_proba(["good"])[0], rtol=1e-12)
    assert model.predict([text])[0] in ("+", "-")


@pytest.mark.host
def test_a_text_of_ten_thousand_words_trains_beside_short_ones():
    model = network().fit([*TEXTS, "good " * 10_000], [*SIGNS, "+"], **{**QUICK, "epochs": 1})
    assert np.isfinite(tables(model)["output.weight"]).all()
    assert np.isfinite(model.evaluate(["good " * 10_000], ["+"]).loss)


@pytest.mark.host
def test_case_counts_only_if_it_is_kept():
    either, exact = (network(lowercase=lower).fit(TEXTS, SIGNS, **QUICK) for lower in (True, False))
    assert either.outputs(["NOT Good"]).tolist() == either.outputs(["not good"]).tolist()
    assert either.unknown_words(["NOT Good"]) == []
    assert exact.unknown_words(["NOT Good", "not Good"]) == ["NOT", "Good"]


@pytest.mark.host
def test_words_it_does_not_know_are_said_in_order_and_once():
    model = network(min_count=2).fit([*TEXTS, "rare good"], [*SIGNS, "+"], **QUICK)
    assert model.unknown_words(["zzz good", "not yyy zzz", "rare", ""]) == ["zzz", "yyy", "rare"]
    for wrong in ("zzz good", None, [None]):
        with pytest.raises(TypeError, match="str"):
            model.unknown_words(wrong)


@pytest.mark.host
def test_a_vocabulary_has_the_most_frequent_words():
    model = network(max_vocab_size=3).fit(["a a a a b", "b b c", "c d a"], ["+", "-", "+"], **QUICK)
    assert model.vocabulary.words == ("a", "b", "c")
    model = network(min_count=3).fit(["a a a a b", "b b c", "c d a"], ["+", "-", "+"], **QUICK)
    assert model.vocabulary.words == ("a", "b")
    with pytest.raises(ValueError, match=r"^min_count 9 drops every word; the most frequent one occurs 5 times$"):
        network(min_count=9).fit(["a a a a b", "b b c", "c d a"], ["+", "-", "+"], **QUICK)


@pytest.mark.host
def test_word_dropout_trains_the_unknown_words_vector():
    """Without it, and with no unknown word in the texts, the vector stays as it was drawn."""
    run = {**QUICK, "epochs": None}
    first = tables(network().fit(TEXTS, SIGNS, **{**run, "steps": 1, "learning_rate": 1e-12}))[TABLE][-1]
    for rate, moves in ((0.0, False), (0.3, True)):
        last = tables(network(word_dropout=rate).fit(TEXTS, SIGNS, **{**run, "steps": 20}))[TABLE][-1]
        assert (np.abs(last - first).max() > 1e-3) == moves
    rare = network(min_count=2, word_dropout=0.0).fit([*TEXTS, "rare"], [*SIGNS, "+"], **{**run, "steps": 20})
    assert np.abs(tables(rare)[TABLE][-1] - first).max() > 1e-3  # it stands for words that are too rare


@pytest.mark.host
def test_texts_longer_than_max_length_are_cut_and_their_count_is_said(capsys):
    texts = [f"{text} bad" for text in TEXTS]
    model = network(max_length=2).fit(texts, SIGNS, **{**QUICK, "progress": True})
    longer = sum(len(text.split()) > 2 for text in texts)
    said = capsys.readouterr()
    assert f"{longer:,} are cut to max_length" in said.out + said.err
    assert model.outputs(["not good bad story"]).tolist() == model.outputs(["not good"]).tolist()
    assert model.explain("not good bad story").tokens == ("not", "good")
    assert model.unknown_words(["not zzz yyy"]) == ["zzz"]  # what it does not read is not unknown
    network().fit(texts, SIGNS, **{**QUICK, "progress": True})
    said = capsys.readouterr()
    assert "max_length" not in said.out + said.err


@pytest.mark.host
def test_texts_without_words_are_counted(capsys):
    network().fit([*TEXTS, "", " "], [*SIGNS, "+", "-"], **{**QUICK, "progress": True})
    said = capsys.readouterr()
    assert "2 have no words and are read as one unknown word" in said.out + said.err


NO_TEXTS = [
    (None, TypeError, "texts is NoneType, expected a list of str or the path of a file"),
    ("good", TypeError, "texts is the str 'good', expected several texts: give a list"),
    (b"good", TypeError, "texts is the bytes b'good', expected several texts"),
    ([], ValueError, "there are no texts"),
    (["good", None], TypeError, "each text must be a str, got NoneType None as text 1"),
    (["good", float("nan")], TypeError, "each text must be a str, got float nan as text 1"),
    (["good", ["bad"]], TypeError, "each text must be a str, got list ['bad'] as text 1"),
    ([b"good", "bad"], TypeError, "each text must be a str, got bytes b'good' as text 0"),
    (5, TypeError, "texts is int, expected a list of str or the path of a file"),
]


@pytest.mark.host
@pytest.mark.parametrize(("texts", "error", "message"), NO_TEXTS)
def test_what_is_no_list_of_texts(texts, error, message):
    model = network().fit(TEXTS, SIGNS, **{**QUICK, "epochs": 1})
    calls = [
        lambda: network().fit(texts, ["+", "-"], **QUICK),
        lambda: model.predict(texts),
        lambda: model.predict_proba(texts),
        lambda: model.evaluate(texts, ["+", "-"]),
        lambda: model.unknown_words(texts),
    ]
    for call in calls:
        with pytest.raises(error, match=f"^{re.escape(message)}") as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.host
def test_the_name_of_a_file_as_a_str_is_told_how_to_be_read(tmp_path):
    path = str(tmp_path / "reviews.tsv")
    (tmp_path / "reviews.tsv").write_text("good\t+\n")
    with pytest.raises(TypeError, match=r"expected several texts: give pathlib\.Path\(.*\) to read that file$"):
        network().fit(path, SIGNS, **QUICK)


@pytest.mark.host
def test_texts_of_other_kinds_of_lists():
    """Tuples, arrays, what an iterator yields, and the strings of NumPy."""
    right = network().fit(TEXTS, SIGNS, **QUICK).outputs(TEXTS).tolist()
    for form in (tuple, np.asarray, lambda texts: np.asarray(texts, object), iter):
        assert network().fit(form(TEXTS), SIGNS, **QUICK).outputs(form(TEXTS)).tolist() == right


@pytest.mark.host
@pytest.mark.parametrize("texts", [["", " "], ["", ""]])
def test_texts_that_are_all_empty(texts):
    with pytest.raises(ValueError, match=r"^the texts given: the texts have no words$"):
        network().fit(texts, ["+", "-"], **QUICK)
