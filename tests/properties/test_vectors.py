"""Generated vector files: what is written comes back, other readers agree, and any bytes are values or one line."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from portnn import KeyedVectors
from portnn.vectors import evaluate_pairs, read_analogies, read_word2vec_format

BYTES = st.binary(min_size=1, max_size=6)
LETTERS = st.text(
    st.sampled_from("ab1.,-e_ {}\t\x00\x01\x0b\x1c\x7f\x85\u00a0\u2028\ufeff\u0301é电😀"), min_size=1, max_size=6
)
ANY = st.text(min_size=1, max_size=5)
UNDECODABLE = BYTES.map(lambda raw: raw.decode("utf-8", "surrogateescape"))
WORDS = st.lists(st.one_of(LETTERS, ANY, UNDECODABLE), min_size=1, max_size=8, unique=True)
SINGLE = st.floats(width=32)


@st.composite
def tables(draw, words=WORDS, values=SINGLE):
    words = draw(words)
    size = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(values, min_size=size, max_size=size), min_size=len(words), max_size=len(words)))
    return words, np.array(rows, dtype=np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vectors"


def written(words, vectors, path, binary) -> bool:
    """Whether the format holds these words; if not, one line says so."""
    try:
        KeyedVectors(words, vectors).save_word2vec_format(path, binary=binary)
    except ValueError as error:
        assert "\n" not in str(error)
        assert "cannot hold" in str(error) or "would be taken for a value" in str(error)
        return False
    return True


def same(found, vectors) -> bool:
    return np.array_equal(found, vectors, equal_nan=True)


@given(table=tables(), binary=st.booleans(), limit=st.one_of(st.none(), st.integers(1, 9)))
@example(table=(["\x01a", "b", "c\x7f"], np.ones((3, 2), np.float32)), binary=False, limit=2)
@example(table=(["new york", "a"], np.ones((2, 2), np.float32)), binary=False, limit=None)
def test_what_is_written_comes_back(path, table, binary, limit):
    words, vectors = table
    assume(written(words, vectors, path, binary))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*are not utf-8")
        try:
            found, rows = read_word2vec_format(path, binary=binary, errors="replace", limit=limit)
        except ValueError as error:
            assert limit is not None
            assert "every word ends with a number" in str(error)
            return
    assert found == words[:limit]
    assert same(rows, vectors[:limit])
    first = path.read_bytes()
    assert written(found, rows, path, binary) or limit is not None
    assert path.read_bytes() == first or limit is not None


@given(
    table=tables(values=st.floats(-100, 100, width=32).filter(lambda value: value == 0 or abs(value) > 1e-3)),
    binary=st.booleans(),
)
def test_the_format_need_not_be_said(path, table, binary):
    words, vectors = table
    assume(written(words, vectors, path, binary))
    assume(not (binary and all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in vectors.tobytes())))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*are not utf-8")
        wv = KeyedVectors.load(path, errors="replace")
    assert wv.index_to_key == words
    assert same(wv.vectors, vectors)


@given(table=tables(), dtype=st.sampled_from([">f4", "<f8", ">f8"]), order=st.sampled_from("CF"))
def test_safetensors_hold_any_word_in_any_layout(path, table, dtype, order):
    words, vectors = table
    KeyedVectors(words, np.asarray(vectors, dtype=dtype, order=order)).save(path)
    wv = KeyedVectors.load(path, dtype="float32")
    assert wv.index_to_key == words
    assert same(wv.vectors, vectors)


@pytest.mark.gensim_oracle
@given(
    table=tables(words=st.lists(st.text("abc1.é电\x01\x7f{", min_size=1, max_size=4), min_size=1, max_size=6)),
    binary=st.booleans(),
    limit=st.one_of(st.none(), st.integers(1, 7)),
    header=st.booleans(),
)
def test_gensim_reads_the_same(path, table, binary, limit, header):
    from gensim.models import KeyedVectors as Theirs

    words, vectors = table
    lines = [f"{len(words)} {vectors.shape[1]}\n".encode()] if header or binary else []
    for word, row in zip(words, vectors, strict=True):
        text = b" ".join(b"%.9g" % value for value in row.tolist()) + b"\n"
        lines.append(word.encode() + b" " + (row.astype("<f4").tobytes() if binary else text))
    path.write_bytes(b"".join(lines))
    form = {} if header or binary else {"no_header": True}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*repeated; the first vector of each is kept")
        try:
            found, rows = read_word2vec_format(path, binary=binary, limit=limit, **form)
        except ValueError:
            # Without a header, words and values that are whole numbers look like one.
            assert form
            assert all(word.isdigit() for word in words[:1])
            return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # gensim leaves a file open
        theirs = Theirs.load_word2vec_format(str(path), binary=binary, limit=limit, **form)
    read = len(theirs.key_to_index)  # the rest of its tables is left empty where words are repeated
    assert found == theirs.index_to_key[:read]
    assert same(rows, theirs.vectors[:read])


TEXT = [b"2 2\n", b"1 3\r\n", b"a", b"b c", b" ", b"\t", b"\n", b"1", b"-2.5", b"1e39", b"1_0", b"nan", b": x", b"# "]
PIECES = st.sampled_from([*TEXT, b"\xef\xbb\xbf", b"\xff", b"\x00\x00\x80?", b"{", b"9" * 30])
CONTENT = st.one_of(st.binary(max_size=80), st.lists(PIECES, max_size=20).map(b"".join))


@given(
    content=CONTENT,
    form=st.fixed_dictionaries(
        {},
        optional={
            "binary": st.booleans(),
            "no_header": st.booleans(),
            "errors": st.sampled_from(["strict", "replace"]),
            "encoding": st.sampled_from(["utf-8", "latin-1", "gb18030"]),
            "limit": st.integers(1, 3),
        },
    ),
)
def test_any_bytes_are_finite_words_and_values_or_one_line(path, content, form):
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            wv = KeyedVectors.load(path, **form)
        except ValueError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 600
            return
    assert len(wv) <= form.get("limit", len(content))
    assert all(wv.index_to_key)
    if not form.get("binary") and b"inf" not in content:
        assert not np.isinf(wv.vectors).any() or b"\x80" in content


@given(content=CONTENT)
def test_any_bytes_are_questions_or_one_line(path, content):
    path.write_bytes(content)
    wv = KeyedVectors(["a", "b", "1"], np.eye(3))
    for read in (read_analogies, lambda path: evaluate_pairs(wv, path)):
        try:
            read(path)
        except ValueError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 600
