"""Dividing a corpus: the pieces of all processes are the whole, and files are dealt out to those that find the same."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from portnn.groups import ALONE
from portnn.text import Phrases, Sentences, WordVocabulary, as_sentences, count_words, encode_words, files_of
from portnn.text.encodings import CHUNK_BYTES

pytestmark = pytest.mark.host

TEXT = "".join(
    " ".join(draw.choice(("a", "né", "日本", "x,y", "")) for _ in range(draw.randrange(9))) + draw.choice("\n\n \n\r\n")
    for draw in [random.Random(5)]
    for _ in range(400)
)


def pieces(corpus, size):
    return [list(as_sentences(corpus).piece(rank, size)) for rank in range(size)]


def both(ranks):
    """Groups whose `gather` gives what each of several processes gives, told in advance."""
    return [SimpleNamespace(rank=rank, size=len(ranks), gather=lambda own: ranks) for rank in range(len(ranks))]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_pieces_are_the_whole_in_order(tmp_path, size, encoding):
    for number, part in enumerate((TEXT[:900], TEXT[900:903], "", TEXT[903:])):
        (tmp_path / f"{number}.txt").write_bytes(part.encode(encoding, "replace"))
    (tmp_path / "4.txt.gz").write_bytes(gzip.compress(TEXT[:500].encode(encoding, "replace")))
    whole = Sentences(tmp_path, encoding=encoding)
    for options in ({}, {"level": "char"}, {"level": "space", "lowercase": False}):
        stream = Sentences(tmp_path, encoding=encoding, **options)
        divided = [stream.piece(rank, size) for rank in range(size)]
        assert [sentence for piece in divided for sentence in piece] == list(stream)
        assert sum(piece.size for piece in divided) == stream.size
    if size <= 3 and encoding != "utf-16":
        assert all(0.2 * whole.size / size < whole.piece(rank, size).size for rank in range(size))


def test_a_piece_reads_no_more_than_itself(tmp_path, monkeypatch):
    file = tmp_path / "text.txt"
    file.write_text("one two three\n" * 200_000)
    seen = []
    for _ in Sentences(file).piece(1, 4).read(seen.append):
        pass
    assert sum(seen) == pytest.approx(file.stat().st_size / 4, rel=0.001)


@pytest.mark.parametrize("size", [2, 5])
def test_texts_in_memory_and_lists_of_words_are_divided_too(size):
    lines = [f"w{number} of {number % 7}" for number in range(40)]
    whole = list(Sentences("\n".join(lines)))
    assert [sentence for piece in pieces("\n".join(lines), size) for sentence in piece] == whole
    given = [line.split() for line in lines]
    assert sorted(sentence for piece in pieces(given, size) for sentence in piece) == sorted(given)
    assert [as_sentences(given).piece(rank, size).size for rank in range(size)] == list(map(len, pieces(given, size)))


def test_running_text_is_cut_between_words():
    text = "word " * (3 * CHUNK_BYTES // 5)
    divided = [Sentences(text, lines=False).piece(rank, 3) for rank in range(3)]
    assert [sum(map(len, piece)) for piece in divided] == pytest.approx([CHUNK_BYTES // 5] * 3, rel=0.001)
    assert {word for piece in divided for sentence in piece for word in sentence} == {"word"}


def test_phrases_are_joined_in_each_piece():
    phrases = Phrases("new york\n" * 10 + "a b c\n", min_count=1, threshold=0.1)
    corpus = "new york\nold york\nnew new york\n"
    joined = phrases.joined(corpus)
    assert [sentence for rank in range(2) for sentence in joined.piece(rank, 2)] == list(joined)


def test_what_processes_count_of_their_pieces_is_what_one_counts_of_the_whole():
    whole, size = count_words(TEXT), 3
    counted = [count_words(as_sentences(TEXT).piece(rank, size)) for rank in range(size)]
    told = {int: [(one.words, one.sentences) for one in counted], str: [one.counts for one in counted]}
    group = SimpleNamespace(rank=1, size=size, gather=lambda own: told[int if isinstance(own, tuple) else str])
    together = count_words(as_sentences(TEXT).piece(1, size), group=group)
    assert (together.counts, together.words, together.sentences) == (whole.counts, whole.words, whole.sentences)


def test_files_are_dealt_out_to_those_that_find_the_same(tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        for number in range(5):
            (tmp_path / name / f"{number}.txt").write_text(f"{name} {number}\n")
    found = [[source.stamp for source in Sentences(tmp_path / name)._sources] for name in ("here", "there")]
    ranks = [found[0], found[1], found[0], found[1], found[1]]
    own = [
        files_of(tmp_path / name, group)
        for name, group in zip(("here", "there", "here", "there", "there"), both(ranks), strict=True)
    ]
    assert [[file.name[0] for file in files] for files in own] == [
        ["0", "2", "4"], ["0", "3"], ["1", "3"], ["1", "4"], ["2"]
    ]  # fmt: skip
    assert [files[0].parent.name for files in own] == ["here", "there", "here", "there", "there"]


def test_a_process_without_files(tmp_path):
    (tmp_path / "only.txt").write_text("a b\n")
    stamps = [[source.stamp for source in Sentences(tmp_path)._sources]] * 2
    for group in both(stamps):
        with pytest.raises(ValueError, match=r"2 processes find the same 1 file to deal out .* rank 1 would have none"):
            files_of([Path(tmp_path)], group)


def test_what_is_not_made_of_files_is_ones_own():
    group = both([None, None])[1]
    assert files_of("a text", group) == "a text"
    sentences = [["a"], ["b"]]
    assert files_of(sentences, group) is sentences


def test_files_are_dealt_out_to_a_group(tmp_path):
    with pytest.raises(ValueError, match=r"^sharded deals files out to the processes of an MPI job: start one"):
        files_of(tmp_path, ALONE)


def test_a_piece_without_words():
    told = [(2, 1, 2), (0, 0, 0)]
    group = SimpleNamespace(rank=0, size=2, gather=lambda own: told)
    vocabulary = count_words("a b")
    with pytest.raises(ValueError, match=r"^text: divided among 2 processes, it leaves none .* to rank 1; start fewer"):
        encode_words("a b", WordVocabulary.from_counts(vocabulary, 1), group=group)


def test_ids_of_a_piece_come_with_the_facts_of_the_whole():
    text = "a b a\nb\n" * 50 + "aVeryLongWord b\n" * 9
    vocabulary = WordVocabulary.from_counts(count_words(text), 1)
    whole = encode_words(text, vocabulary)
    pieces = [encode_words(as_sentences(text).piece(rank, 2), vocabulary) for rank in range(2)]
    told = [(piece.words, piece.sentences, piece.longest) for piece in pieces]
    counts = [np.bincount(piece.ids, minlength=4)[:3] for piece in pieces]

    def sum_in_place(vector):
        assert vector.tolist() == counts[0].tolist()
        vector += counts[1]

    group = SimpleNamespace(rank=0, size=2, gather=lambda own: told, sum_in_place=sum_in_place)
    own = encode_words(as_sentences(text).piece(0, 2), vocabulary, group=group)
    assert own.ids.tolist() == pieces[0].ids.tolist()
    assert (own.words, own.sentences, own.longest) == (whole.words, whole.sentences, whole.longest) == (218, 109, 3)
    assert own.largest_piece == max(piece.words for piece in pieces) > min(piece.words for piece in pieces)
    assert (own.counts_sha256, own.sha256) == (whole.counts_sha256, None)
