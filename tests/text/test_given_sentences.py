"""Sentences given as lists of words, and the choice between these and a text."""

from __future__ import annotations

import re

import pytest

from portnn.text import as_sentences

pytestmark = pytest.mark.host


class Restartable:
    """Iterable that starts from the beginning each time, and records what was read."""

    def __init__(self, *sentences: object) -> None:
        self.sentences = sentences
        self.starts = 0

    def __iter__(self):
        self.starts += 1
        yield from self.sentences


def test_given_sentences() -> None:
    given = Restartable(["a", "film"], ("a", "gem"))
    stream = as_sentences(given)
    assert [list(sentence) for sentence in stream] == [list(s) for s in stream] == [["a", "film"], ["a", "gem"]]
    assert given.starts == 2
    assert as_sentences(stream) is stream
    assert list(as_sentences("A film", lowercase=False)) == [["A", "film"]]
    assert list(as_sentences([["A"]], lowercase=True)) == [["A"]]


def test_an_iterator_is_rejected_before_it_is_read() -> None:
    taken = []

    def generator():
        taken.append(1)
        yield ["a", "film"]

    whole = (
        "^sentences is a generator, which can be read only once, but it is read once to count and again to train; "
        "give a list or an object whose __iter__ starts from the beginning$"
    )
    with pytest.raises(TypeError, match=whole):
        as_sentences(generator())
    with pytest.raises(TypeError, match=r"^sentences is a map, which can be read only once"):
        as_sentences(map(taken.append, [1]))
    assert taken == []
    for nonsense in (5, None, b"a film"):
        with pytest.raises(TypeError, match=r"^sentences is (int|NoneType|bytes); expected a text, a path, or lists"):
            as_sentences(nonsense)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (["The film"], "each sentence must be a list of words, got the str 'The film': split it"),
        (["x" * 50], f"each sentence must be a list of words, got the str '{'x' * 50}': split it"),
        ([["a"], {"b"}], "each sentence must be a list of words, got set as sentence 1"),
        ([["a"], ["b", "c", 5]], "each word must be a str, got int 5 as word 2 of sentence 1"),
        ([["a"], ["b", ["c"]]], "each word must be a str, got list ['c'] as word 1 of sentence 1"),
        ([[b"a"]], "each word must be a str, got bytes b'a' as word 0 of sentence 0"),
        ([["a", None]], "each word must be a str, got NoneType None as word 1 of sentence 0"),
    ],
)
def test_sentences_that_are_not_lists_of_words(sentences, message: str) -> None:
    for given in (sentences, Restartable(*sentences)):
        with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
            list(as_sentences(given))


def test_a_text_that_names_a_file(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert list(as_sentences("corpus.txt", level="space")) == [["corpus.txt"]]
    (tmp_path / "corpus.txt").write_text("a film")
    with pytest.raises(
        TypeError, match=r"got the str 'corpus.txt': give pathlib.Path\('corpus.txt'\) to read that file$"
    ):
        list(as_sentences(["corpus.txt"]))
    with pytest.raises(ValueError, match=r"is the text 'corpus.txt', .* give pathlib.Path\('corpus.txt'\)"):
        as_sentences("corpus.txt")
    assert list(as_sentences("corpus.txt\n", level="space")) == [["corpus.txt"]]
