"""The formats of word2vec: round trips and errors."""

from __future__ import annotations

import errno
import gzip
import os

import numpy as np
import pytest

from portnn import KeyedVectors
from portnn.vectors import read_word2vec_format, word2vec_reading, write_word2vec_format

pytestmark = pytest.mark.host

WORDS = ["the", "é", "电影", "a,b", "\u00a0", "x\u3000y", "4"]
VECTORS = np.array([[1, -2.5, 1e-38], [0.1, 3e38, -0.0]] + [[i / 3, 1 / 7, i] for i in range(5)], dtype=np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vectors"


def floats(*values):
    return np.array(values, dtype="<f4").tobytes()


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_round_trip(tmp_path, monkeypatch, suffix, binary, chunk):
    monkeypatch.setattr(word2vec_reading, "CHUNK", chunk)
    path = tmp_path / f"vectors{suffix}"
    write_word2vec_format(path, WORDS, [VECTORS[:2], VECTORS[2:]], 3, binary=binary)
    words, vectors = read_word2vec_format(path, binary=binary)
    assert words == WORDS
    assert vectors.dtype == np.float32
    assert vectors.tobytes() == VECTORS.tobytes()
    assert read_word2vec_format(path, binary=binary, limit=2)[0] == WORDS[:2]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("size", [1, 2, 100])
def test_the_format_is_detected(path, rng, binary, size):
    vectors = rng.normal(size=(50, size)).astype(np.float32)
    write_word2vec_format(path, [f"w{i}" for i in range(50)], [vectors], size, binary=binary)
    assert np.array_equal(read_word2vec_format(path)[1], vectors)


def test_bytes_of_the_format(path):
    write_word2vec_format(path, ["a", "é"], [np.array([[1.0, 0.1], [2, 3]])], 2)
    assert path.read_bytes() == "2 2\na 1 0.100000001\né 2 3\n".encode()
    write_word2vec_format(path, ["a", "é"], [np.array([[1.0, 0.1], [2, 3]])], 2, binary=True)
    assert path.read_bytes() == b"2 2\na " + floats(1, 0.1) + b"\xc3\xa9 " + floats(2, 3)


def test_line_endings_of_other_programs(path):
    path.write_bytes(b"2 2\na " + floats(1, 2) + b"\nb " + floats(3, 4) + b"\n")
    words, vectors = read_word2vec_format(path)
    assert (words, vectors.tolist()) == (["a", "b"], [[1, 2], [3, 4]])
    path.write_bytes(b"2 2\r\na 1 2 \r\n\r\nb\t3 4\r\n\r\n")
    words, vectors = read_word2vec_format(path)
    assert (words, vectors.tolist()) == (["a", "b"], [[1, 2], [3, 4]])


def test_no_final_line_ending(path):
    path.write_bytes(b"1 2\na 1 2")
    assert read_word2vec_format(path)[1].tolist() == [[1, 2]]


def test_bytes_that_are_not_utf8(path):
    path.write_bytes(b"2 1\na 1\n\xe9 2\n")
    with pytest.raises(ValueError, match=r"vectors, word 2: byte 0xe9 is not utf-8; pass another encoding, or errors"):
        read_word2vec_format(path)
    assert read_word2vec_format(path, encoding="latin-1")[0] == ["a", "é"]
    assert read_word2vec_format(path, errors="replace")[0] == ["a", "\ufffd"]
    with pytest.raises(LookupError, match="nonsense"):
        read_word2vec_format(path, encoding="nonsense")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1: '' is not a header of the word2vec format, expected two whole numbers"),
        (b"film 0.1 0.2\n", "line 1: 'film 0.1 0.2' is not a header"),
        (b"the 0.5\n" * 30, "line 1: 'the 0.5' is not a header"),
        (b"ab" * 300, r"line 1: '(ab){40}\.\.\.' is not a header"),
        (b"2 x\na 1\n", "line 1: '2 x' is not a header"),
        (b"2\n", "line 1: '2' is not a header"),
        (b"-1 3\na 1 2 3\n", "line 1: the header says -1 words of 3 values, expected at least one of each"),
        (b"0 3\n", "line 1: the header says 0 words of 3 values"),
        (b"1 0\na\n", "line 1: the header says 1 words of 0 values"),
        (b"1 -2\na\n", "line 1: the header says 1 words of -2 values"),
        (b"9 1\na 1\nb 2\n", "vectors: the header promises 9 words of 1 values, but the file is too short for them"),
        (b"3 2\na 0.10 0.20\nb 0.10 0.20\n", "vectors ends after 2 words, but its header promises 3"),
        (b"1 2\na 1 2\nb 3 4\n", "vectors, line 3: the header promises 1 words, but the file has more"),
        (b"2 2\na 1 2\nb 3\n", "vectors, line 3: 1 values after the word, expected 2"),
        (b"2 2\na 1 2\nb 3 4 5\n", "vectors, line 3: 3 values after the word, expected 2"),
        (b"2 2\na 1 2\nb 3 4,5\n", "vectors, line 3: '4,5' is not a number"),
        (b"2 2\na 1 2\na 3 4\n", "vectors, word 2: 'a' is already word 1"),
        (b"99999999999 1000\na 1\n", "vectors: the header promises 99,999,999,999 words of 1000 values, but the file"),
    ],
)
def test_errors_in_text_files(path, data, message):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_word2vec_format(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"2 2\na " + floats(1, 2) + b"b " + floats(3), "vectors: the header promises 2 words of 2 values, but"),
        (b"2 2\nlong " + floats(1, 2) + b"b " + floats(3), "word 2: the file ends within its vector, after 4 bytes"),
        (b"2 1\nlonger_word " + floats(1), "vectors ends after 1 words, but its header promises 2"),
        (b"1 1\na " + floats(1) + b"b " + floats(3), "the header promises 1 words, but more bytes follow"),
        (b"2 1\na " + floats(1) + b" " + floats(3) + b"\n", "vectors, word 2: the word is empty"),
        (b"2 1\na " + floats(1) + b"a " + floats(3), "vectors, word 2: 'a' is already word 1"),
        (b"1 1\n" + b"x" * 200_000, "vectors, word 1: no space in 100,000 bytes; is this the binary format?"),
    ],
)
def test_errors_in_binary_files(path, data, message):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_word2vec_format(path, binary=True)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("damage", ["truncated", "foreign", "flipped"])
def test_damaged_compression(tmp_path, rng, suffix, damage):
    path = tmp_path / f"vectors{suffix}"
    write_word2vec_format(path, ["a", "b"], [rng.normal(size=(2, 500))], 500, binary=True)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle] ^= 255
    path.write_bytes({"truncated": data[:middle], "foreign": b"2 2\na 1 2\n", "flipped": data}[damage])
    with pytest.raises(ValueError, match=f"vectors{suffix}: damaged {suffix} file"):
        read_word2vec_format(path)


def test_a_wrong_header_of_compressed_data(tmp_path):
    path = tmp_path / "vectors.gz"
    path.write_bytes(gzip.compress(b"999999999999999 1000\na 1\n"))
    with pytest.raises(
        ValueError, match="the header promises 999,999,999,999,999 words of 1,000 values, which do not fit in memory"
    ):
        read_word2vec_format(path)


@pytest.mark.parametrize("word", ["", "new york", "a\n", "\tb", " "])
@pytest.mark.parametrize("binary", [False, True])
def test_words_that_the_format_cannot_hold(path, word, binary):
    path.write_text("kept")
    wv = KeyedVectors(["a", word], [[1.0], [2.0]])
    with pytest.raises(ValueError, match="is empty or contains whitespace, which the word2vec format cannot hold"):
        wv.save_word2vec_format(path, binary=binary)
    assert path.read_text() == "kept"


def test_a_word_that_utf8_cannot_hold(path):
    with pytest.raises(ValueError, match=r"'\\ud800' contains a lone surrogate, which UTF-8 cannot hold"):
        KeyedVectors(["\ud800"], [[1.0]]).save_word2vec_format(path)


def test_a_path_that_cannot_be_written(tmp_path, monkeypatch):
    wv = KeyedVectors(["a"], [[1.0]])
    wv.save_word2vec_format(tmp_path / "new" / "vectors")
    (tmp_path / "taken").touch()
    with pytest.raises(OSError, match=r"cannot write .*taken/vectors: ") as caught:
        wv.save_word2vec_format(tmp_path / "taken" / "vectors")
    assert ".tmp" not in str(caught.value)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match=r"cannot write .*new/vectors: No space left on device"):
        wv.save_word2vec_format(tmp_path / "new" / "vectors")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["vectors"]


def test_the_arguments(path, tmp_path):
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        read_word2vec_format(path, limit=0)
    with pytest.raises(FileNotFoundError, match="vectors"):
        read_word2vec_format(path)
    with pytest.raises(IsADirectoryError):
        read_word2vec_format(tmp_path)
