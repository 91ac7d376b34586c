"""The formats of word2vec: round trips and errors."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import threading

import numpy as np
import pytest

from portnn import KeyedVectors
from portnn.text.compression import open_bytes
from portnn.vectors import read_word2vec_format, word2vec_rows, write_word2vec_format

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
    monkeypatch.setattr(word2vec_rows, "CHUNK", chunk)
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
    with pytest.raises(ValueError, match=r"vectors, word 2: byte 0xe9 is not utf-8; .*errors='replace'"):
        read_word2vec_format(path)
    assert read_word2vec_format(path, encoding="latin-1")[0] == ["a", "é"]
    with pytest.raises(ValueError, match="unknown encoding 'nonsense'"):
        read_word2vec_format(path, encoding="nonsense")
    with pytest.raises(ValueError, match="unknown errors 'ignore'; known: strict, replace, surrogateescape"):
        read_word2vec_format(path, errors="ignore")


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("errors", ["replace", "surrogateescape"])
def test_undecodable_words_stay_distinct_and_are_written_as_they_were(path, binary, errors):
    raw = [b"a", b"\xe9", b"\xe8", b"caf\xe9", b"\xed\xa0\x80", "é".encode()]
    ends = floats(1) if binary else b"1\n"
    path.write_bytes(b"6 1\n" + b"".join(word + b" " + ends for word in raw))
    with pytest.warns(UserWarning, match=r"vectors: 4 of 6 words are not utf-8") as told:
        wv = KeyedVectors.load(path, errors=errors)
    assert len(told) == 1
    assert wv.index_to_key == [word.decode("utf-8", "surrogateescape") for word in raw]
    assert len(set(wv.index_to_key)) == 6
    before = path.read_bytes()
    wv.save_word2vec_format(path, binary=binary)
    assert path.read_bytes() == before


@pytest.mark.parametrize("binary", [False, True])
def test_the_first_of_equal_words_counts(path, binary):
    rows = [(b"a", 1), (b"b", 2), (b"a", 3), (b"a", 4), (b"c", 5)]
    path.write_bytes(b"5 1\n" + b"".join(b"%b %b" % (w, floats(v) if binary else b"%d\n" % v) for w, v in rows))
    with pytest.warns(UserWarning, match=r"vectors: 2 words are repeated; the first vector of each is kept$") as told:
        words, vectors = read_word2vec_format(path)
    assert len(told) == 1
    assert (words, vectors.tolist()) == (["a", "b", "c"], [[1], [2], [5]])
    with pytest.warns(UserWarning, match="1 word is repeated"):
        assert read_word2vec_format(path, limit=3)[0] == ["a", "b"]  # three rows, as gensim counts


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
@pytest.mark.parametrize("limit", [None, 2])
def test_control_characters_do_not_make_a_text_binary(tmp_path, suffix, limit):
    path = tmp_path / f"vectors{suffix}"
    with open_bytes(path, "wb") as file:
        file.write(b"3 2\n\x01a 1 2\nb 3 4\nc\x7f 5 6\n")
    words, vectors = read_word2vec_format(path, limit=limit)
    assert words == ["\x01a", "b", "c\x7f"][:limit]
    assert vectors.tolist() == [[1, 2], [3, 4], [5, 6]][:limit]


ODD = [
    "\x00",
    "a\x01",
    "\x1a",
    "\x7f",
    "\x0b",
    "x\x0cy",
    "\x1c",
    "\x85",
    "\u2028",
    "\ufeff",
    "{",
    "1",
    "-1e5",
    "nan",
    "_",
    "#",
]


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_files_of_ours_come_back_with_any_word(tmp_path, rng, binary, size):
    words = [*ODD, *([] if binary else ["new york", "R$ 0,00", "Apollo 11", "a\tb", ". . ."])]
    vectors = rng.normal(size=(len(words), size)).astype(np.float32)
    path = tmp_path / "vectors"
    KeyedVectors(words, vectors).save_word2vec_format(path, binary=binary)
    for limit in (None, 1, 3):
        for form in ({}, {"binary": binary}):
            found, table = read_word2vec_format(path, limit=limit, **form)
            assert found == words[:limit]
            assert np.array_equal(table, vectors[:limit])


def test_bytes_that_are_all_letters_are_binary_only_if_that_is_said(path):
    path.write_bytes(b"2 1\na 1111b 2.5\n")
    words, vectors = read_word2vec_format(path, binary=True)
    assert words == ["a", "b"]
    assert vectors.tobytes() == b"11112.5\n"
    path.write_bytes(b"2 2\na 1,5 2,5\nb 3,5 4,5\n")  # as long as if they were binary
    with pytest.raises(
        ValueError, match=r"line 2: '1,5' is not a number; if the file is binary, binary=True \(--format"
    ):
        read_word2vec_format(path)


@pytest.mark.parametrize("bad", [0, 1, 2, 3])
def test_a_text_with_one_bad_line_is_called_by_its_line(path, bad):
    lines = [b"\x01word%d 0.5 0.25" % row for row in range(4)]
    lines[bad] = b"\x01word 0.5 x"
    path.write_bytes(b"4 2\n" + b"\n".join(lines))
    with pytest.raises(ValueError, match=f"vectors, line {bad + 2}: 'x' is not a number"):
        read_word2vec_format(path)


def test_words_of_several_parts(path):
    path.write_bytes("4 3\nR$ 0,00 1 2 3\nApollo  11\t4 5  6 \n10\u00a0km 7 8 9\n. . 1 2 3\n".encode())
    words, vectors = read_word2vec_format(path)
    assert words == ["R$ 0,00", "Apollo  11", "10\u00a0km", ". ."]
    assert vectors.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 2, 3]]


def test_a_header_with_too_few_values_is_not_taken_for_words_of_several_parts(path):
    path.write_bytes(b"2 2\na 1 2 3\nb 4 5 6\n")
    with pytest.raises(
        ValueError, match="every word ends with a number, as 'a 1'; do the vectors have more than 2 val"
    ):
        read_word2vec_format(path)
    with pytest.raises(ValueError, match="every word ends with a number, like 'a 1'"):
        KeyedVectors(["a 1", "b 4"], np.ones((2, 2))).save_word2vec_format(path)


@pytest.mark.parametrize("binary", [False, True])
def test_a_byte_order_mark_is_skipped(path, binary):
    path.write_bytes(b"\xef\xbb\xbf1 2\na " + (floats(1, 2) if binary else b"1 2\n"))
    words, vectors = read_word2vec_format(path)
    assert (words, vectors.tolist()) == (["a"], [[1, 2]])
    path.write_bytes("1 1\na 1\n".encode("utf-16"))
    with pytest.raises(ValueError, match="vectors is in utf-16-le, expected utf-8"):
        read_word2vec_format(path)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_file_without_a_header(tmp_path, suffix):
    path = tmp_path / f"glove{suffix}"
    rows = 3000
    with open_bytes(path, "wb") as file:
        file.write("\ufeff, 0.5 -1 2e3\n".encode() + b"".join(b"w%d %d 1 2\n" % (row, row) for row in range(1, rows)))
    with pytest.raises(ValueError, match=r"line 1: .*; it looks like a vector: .*no_header=True \(--no-header\)"):
        read_word2vec_format(path)
    words, vectors = read_word2vec_format(path, no_header=True)
    assert words == [",", *(f"w{row}" for row in range(1, rows))]
    assert vectors.shape == (rows, 3)
    assert vectors[0].tolist() == [0.5, -1, 2000]
    assert vectors[1:, 0].tolist() == list(range(1, rows))
    assert read_word2vec_format(path, no_header=True, limit=2)[0] == [",", "w1"]
    assert KeyedVectors.load_word2vec_format(path, no_header=True).vector_size == 3
    with pytest.raises(ValueError, match="a binary file has a header"):
        read_word2vec_format(path, no_header=True, binary=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"2 3\na 1 2 3\nb 1 2 3\n", "line 1: '2 3' is a header, although no_header=True"),
        (b"", "line 1: '' is not a word and its vector"),
        (b"word\n", "line 1: 'word' is not a word and its vector"),
        (b"a 1 2\nb 1\n", "line 2: 1 values after the word, expected 2"),
        (b"a 1 2\nb 1 x\n", "line 2: 'x' is not a number"),
    ],
)
def test_errors_without_a_header(path, data, message):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_word2vec_format(path, no_header=True)


@pytest.mark.parametrize("words", ["{", "{curly", "{}"])
@pytest.mark.parametrize("binary", [False, True])
def test_a_brace_in_the_ninth_byte_is_no_safetensors_file(path, rng, words, binary):
    vectors = rng.normal(size=(100, 100)).astype(np.float32)
    keys = [words, *(f"w{row}" for row in range(99))]
    KeyedVectors(keys, vectors).save_word2vec_format(path, binary=binary)
    assert path.read_bytes()[8:9] == b"{"
    wv = KeyedVectors.load(path)
    assert wv.index_to_key == keys
    assert np.array_equal(wv.vectors, vectors)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_known_without_their_suffix(path, compress):
    path.write_bytes(compress(b"1 2\na 1 2\n"))
    assert KeyedVectors.load(path).vectors.tolist() == [[1, 2]]
    path.write_bytes(compress(b"a\tb\t1\na\tb\t2\n"))
    assert KeyedVectors("ab", np.eye(2)).evaluate_word_pairs(path).pairs == 2


def test_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for data, form in ((b"2 2\na 1 2\nb 3 4\n", {}), (b"a 1 2\nb 3 4\n", {"no_header": True})):
        writer = threading.Thread(target=path.write_bytes, args=(data,))
        writer.start()
        wv = KeyedVectors.load(path, **form) if form else KeyedVectors.load_word2vec_format(path)
        writer.join()
        assert (wv.index_to_key, wv.vectors.tolist()) == (["a", "b"], [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1: '' is not a header of the word2vec format, expected two whole numbers"),
        (b"film 0.1 0.2\n", "line 1: 'film 0.1 0.2' is not a header"),
        (b"the 0.5\n" * 30, "line 1: 'the 0.5' is not a header"),
        (b"ab" * 300, r"line 1: '(ab)+a?\.\.\.b?(ab)+' is not a header"),
        (b"PK\x03\x04" + bytes(300), "vectors is a zip archive, expected words and their vectors"),
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
        (b"2 2\na 1 2\nb 3 4,5\n", "vectors, line 3: '4,5' is not a number"),
        (b"2 2\na 1 2\nb 1_0 4\n", "vectors, line 3: '1_0' is not a number"),
        ("2 2\na 1 2\nb 1 \u0664\n".encode(), "vectors, line 3: '\u0664' is not a number"),
        (b"2 2\na 1 2\nb 0x1 4\n", "vectors, line 3: '0x1' is not a number"),
        (b"2 2\na 1 2\nb 1\x0b 4\n", r"vectors, line 3: '1\\x0b' is not a number"),
        (b"2 2\na 1 2\nb 1e39 4\n", "vectors, line 3: '1e39' is too large for single precision"),
        (b"2 2\na 1 2\nb 1 -1e999\n", "vectors, line 3: '-1e999' is too large for single precision"),
        (b"1_0 2\na 1 2\n", "line 1: '1_0 2' is not a header"),
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


@pytest.mark.parametrize(
    ("binary", "word"),
    [
        *((False, word) for word in ("", "a\n", "\tb", " ", "b ", "\r", "x\ry")),
        *((True, word) for word in ("", "a\n", "\nb", " ", "new york", "x" * 100_001)),
    ],
)
def test_words_that_the_format_cannot_hold(path, word, binary):
    path.write_text("kept")
    wv = KeyedVectors(["a", word], [[1.0], [2.0]])
    name = "binary" if binary else "text"
    with pytest.raises(ValueError, match=f"is empty, .* which the {name} format of word2vec cannot hold") as caught:
        wv.save_word2vec_format(path, binary=binary)
    assert len(str(caught.value)) < 250
    assert path.read_text() == "kept"


@pytest.mark.parametrize("word", ["\ud800", "\udcc3\udca9"])  # the second one would be read as another word
def test_a_word_that_utf8_cannot_hold(path, word):
    with pytest.raises(ValueError, match=r"'\\ud.*' contains a lone surrogate, which UTF-8 cannot hold"):
        KeyedVectors([word], [[1.0]]).save_word2vec_format(path)


def test_numbers_that_single_precision_cannot_hold(path):
    largest = 3.4028235677973362e38  # rounds to the largest number of single precision
    path.write_text(f"1 2\na {largest} -{largest}\n")
    assert read_word2vec_format(path)[1].tolist() == [[np.finfo(np.float32).max, np.finfo(np.float32).min]]
    path.write_text("1 3\na nan -inf Infinity\n")
    assert str(read_word2vec_format(path)[1].tolist()) == "[[nan, -inf, inf]]"
    wide = KeyedVectors(["a", "b"], np.array([[1.0, np.inf], [1e39, 0]]))
    message = r"the vector of 'b' contains 1e\+39, too large for single precision"
    for binary in (False, True):
        with pytest.raises(ValueError, match=message):
            wide.save_word2vec_format(path, binary=binary)
    with pytest.raises(ValueError, match=message):
        wide.to("numpy", dtype="float32")
    wide.save(path)
    assert KeyedVectors.load(path).vectors[1, 0] == 1e39
    for mmap in (False, True):
        with pytest.raises(ValueError, match=message):
            KeyedVectors.load(path, mmap=mmap, dtype="float32")
    with pytest.raises(ValueError, match=message):
        KeyedVectors(["a", "b"], [[1.0, 2.0], [1e39, 0]])


def test_what_is_written_has_the_shape_that_is_said(path):
    for blocks in ([np.ones((1, 2))], [np.ones((3, 2))], [np.ones((2, 3))], [np.ones((1, 2)), np.ones((2, 2))]):
        with pytest.raises(ValueError, match="2 words"):
            write_word2vec_format(path, ["a", "b"], blocks, 2)
    with pytest.raises(TypeError, match="vectors has dtype complex128"):
        write_word2vec_format(path, ["a"], [np.ones((1, 2), complex)], 2)
    assert not path.exists()


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
    for limit, error in ((0, ValueError), (2.5, ValueError), (True, ValueError), ("3", TypeError)):
        with pytest.raises(error, match=f"limit must be a positive whole number, got {limit!r}"):
            read_word2vec_format(path, limit=limit)
    with pytest.raises(FileNotFoundError, match="vectors"):
        read_word2vec_format(path)
    with pytest.raises(IsADirectoryError):
        read_word2vec_format(tmp_path)
