"""Files of word vectors: whatever the words are, they come back; whatever the bytes are, they are values or refused."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from portnn.vectors import KeyedVectors, read_word2vec_format, write_word2vec_format

floats32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\n\r")
texts = st.text(characters, min_size=1, max_size=6).filter(lambda word: word == word.strip(" \t"))
tokens = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n "), min_size=1, max_size=6)
undecodable = st.binary(min_size=1, max_size=4).filter(lambda raw: not set(raw) & set(b"\n\r \t"))


@st.composite
def tables(draw, words):
    names = draw(st.lists(words, min_size=1, max_size=8, unique=True))
    vectors = draw(hnp.arrays(np.float32, (len(names), draw(st.integers(1, 5))), elements=floats32))
    return names, vectors


def written(names, vectors, *, binary):
    """Read back what was written; None if it cannot be written as it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vectors")
        try:
            write_word2vec_format(path, names, [vectors], vectors.shape[1], binary=binary)
        except ValueError as error:
            assert "\n" not in str(error)
            assert not path.exists()
            return None
        return path.read_bytes()


def read(data, **form):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = Path(folder, "vectors")
        path.write_bytes(data)
        return read_word2vec_format(path, **form)


@given(tables(texts), st.integers(1, 8))
def test_text_files_give_back_any_words(table, limit):
    names, vectors = table
    data = written(names, vectors, binary=False)
    if data is None:  # each word ends in a number
        assert len(names) > 1
        return
    for form in ({}, {"binary": False}):
        words, values = read(data, **form)
        assert words == names
        assert np.array_equal(values, vectors)
    words, values = read(data, limit=limit)
    assert words == names[:limit]
    assert np.array_equal(values, vectors[:limit])


@given(tables(tokens), st.integers(1, 8))
def test_binary_files_give_back_any_words(table, limit):
    names, vectors = table
    data = written(names, vectors, binary=True)
    words, values = read(data, binary=True)
    assert words == names
    assert np.array_equal(values, vectors)
    words, values = read(data, binary=True, limit=limit)
    assert words == names[:limit]
    assert np.array_equal(values, vectors[:limit])


@given(tables(st.text(st.characters(categories=["L"]), min_size=1, max_size=6)))
def test_binary_files_of_words_of_letters_show_their_format(table):
    names, vectors = table
    numbers = vectors + np.float32(0.1)  # no vector of zeros or of small whole numbers, whose bytes could be text
    numbers = np.where(np.isfinite(numbers), numbers, np.float32(0.1))
    words, values = read(written(names, numbers, binary=True))
    assert words == names
    assert np.array_equal(values, numbers)


@given(st.lists(undecodable, min_size=1, max_size=6, unique=True), st.booleans())
def test_words_of_any_bytes_are_kept_apart_and_come_back(raws, binary):
    size = 2
    head = f"{len(raws)} {size}\n".encode()
    values = np.arange(2 * len(raws), dtype="<f4").reshape(-1, 2) + np.float32(0.5)
    rows = [
        raw + b" " + (row.tobytes() if binary else b" ".join(b"%.1f" % value for value in row)) + b"\n"
        for raw, row in zip(raws, values, strict=True)
    ]
    data = head + b"".join(rows)
    with warnings.catch_warnings(record=True), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("always")
        path = Path(folder, "vectors")
        path.write_bytes(data)
        try:
            words, found = read_word2vec_format(path, binary=binary, errors="replace")
        except ValueError:
            # A word that ends in what reads as a byte order mark or a number is another matter.
            assert raws[0].startswith((b"\xef\xbb", b"\xff\xfe", b"\xfe\xff")) or not binary
            return
    assert [word.encode("utf-8", "surrogateescape") for word in words] == raws
    assert np.array_equal(found, values)
    assert written(words, found, binary=binary) is not None


@given(st.one_of(st.binary(max_size=200), st.builds(lambda *parts: b" ".join(parts), st.binary(), st.binary())))
@settings(max_examples=300)
def test_any_bytes_are_vectors_or_one_line(data):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "vectors")
        path.write_bytes(data)
        for form in ({}, {"no_header": True}, {"binary": True}, {"errors": "replace", "limit": 2}):
            try:
                wv = KeyedVectors.load(path, **form)
            except (ValueError, TypeError) as error:
                assert "\n" not in str(error)
                assert len(str(error)) < 600
            else:
                assert len(wv) > 0
                assert wv.vectors.dtype == np.float32


@given(tables(texts), st.sampled_from([">f4", ">f8", "<f8", "f2"]))
def test_vectors_of_any_byte_order_have_the_same_neighbours(table, dtype):
    names, vectors = table
    with np.errstate(over="ignore"):
        values = np.clip(vectors, -100, 100).astype(dtype)
    native = values.astype(values.dtype.newbyteorder("="))
    one, other = KeyedVectors(names, native), KeyedVectors(names, values)
    assert np.array_equal(one.vectors, other.vectors)
    assert one.vectors.dtype == other.vectors.dtype
    assert one.most_similar(names[0], topn=3) == other.most_similar(names[0], topn=3)
