"""Word vectors in safetensors files: read, mapped, damaged."""

from __future__ import annotations

import json

import numpy as np
import pytest

import portnn
from portnn import CheckpointError, KeyedVectors
from portnn.checkpoints import load_checkpoint, save_checkpoint
from portnn.vectors import pack_words, unpack_words, vocabulary_arrays

pytestmark = pytest.mark.host

WORDS = ["the", "é", "电影", "new york", "", "\ud800"]
TABLE = np.arange(24, dtype=np.float32).reshape(6, 4)
COUNTS = [9, 8, 7, 7, 1, 1]


@pytest.fixture
def path(tmp_path):
    KeyedVectors(WORDS, TABLE, COUNTS).save(tmp_path / "vectors.safetensors")
    return tmp_path / "vectors.safetensors"


@pytest.fixture
def model(tmp_path):
    arrays = {"params.input": TABLE, "params.output": TABLE + 100, **vocabulary_arrays(WORDS, np.array(COUNTS))}
    save_checkpoint(tmp_path / "model.safetensors", arrays, {"estimator": "Word2Vec", "dtype": "float32"})
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("mmap", [False, True])
def test_round_trip(path, mmap):
    wv = KeyedVectors.load(path, mmap=mmap)
    assert wv.index_to_key == WORDS
    assert np.array_equal(wv.vectors, TABLE)
    assert wv.vectors.dtype == np.float32
    assert wv.counts.tolist() == COUNTS
    assert isinstance(wv.vectors, np.memmap) is mmap
    assert wv.vectors.flags.writeable is not mmap
    assert wv.most_similar("the", topn=1) == KeyedVectors(WORDS, TABLE).most_similar("the", topn=1)


def test_the_layout(path):
    arrays, facts = load_checkpoint(path)
    assert {name: (array.dtype.name, array.shape) for name, array in arrays.items()} == {
        "params.input": ("float32", (6, 4)),
        "vocabulary.bytes": ("uint8", (22,)),
        "vocabulary.lengths": ("uint32", (6,)),
        "vocabulary.counts": ("int64", (6,)),
    }
    assert facts["estimator"] == "KeyedVectors"


def test_no_counts(tmp_path):
    KeyedVectors(["a"], [[1.0]]).save(tmp_path / "v")
    assert KeyedVectors.load(tmp_path / "v").counts is None


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(("table", "expected"), [("input", TABLE), ("output", TABLE + 100), ("sum", 2 * TABLE + 100)])
def test_tables_of_a_model(model, mmap, table, expected):
    if mmap and table == "sum":
        with pytest.raises(ValueError, match="vectors='sum' must be computed, so it cannot be mapped"):
            KeyedVectors.load(model, mmap=mmap, vectors=table)
    else:
        assert np.array_equal(KeyedVectors.load(model, mmap=mmap, vectors=table).vectors, expected)


def test_dtype_and_mapping(path):
    wv = KeyedVectors.load(path, mmap=True, dtype="float64")
    assert wv.vectors.dtype == np.float64
    assert np.array_equal(wv.vectors, TABLE)


@pytest.mark.parametrize("mmap", [False, True])
def test_every_truncation_is_detected(path, mmap):
    data = path.read_bytes()
    for length in range(9, len(data), 3):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match=r"vectors\.safetensors is no.* truncated or damaged"):
            KeyedVectors.load(path, mmap=mmap)


def test_a_flipped_bit_is_detected_when_the_file_is_read(path):
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="does not match its digest"):
        KeyedVectors.load(path)


def rewritten(path, change):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])


def test_headers_that_are_wrong(path):
    data = path.read_bytes()

    def version(header):
        header["__metadata__"]["portnn"] = json.dumps({"version": 7})

    def older(header):
        header["__metadata__"]["portnn"] = json.dumps({**json.loads(header["__metadata__"]["portnn"]), "version": 1})

    rewritten(path, older)
    assert np.array_equal(KeyedVectors.load(path, mmap=True).vectors, TABLE)  # portnn 0.1 wrote version 1
    for change, message in (
        (lambda header: header["params.input"].update(shape=[60, 4]), "not a portnn checkpoint"),
        (lambda header: header["params.input"].update(dtype="F7"), "not a portnn checkpoint"),
        (lambda header: header.update(__metadata__={}), "not a portnn checkpoint"),
        (lambda header: header["params.input"].update(shape=[24, 1]), "6 words, but vectors of shape"),
        (lambda header: header["params.input"].update(shape=[24]), "6 words, but vectors of shape"),
        (
            lambda header: header["vocabulary.bytes"].update(dtype="U16", shape=[11]),
            "is damaged: the words are uint16",
        ),
        (version, "format version 7; this portnn reads versions 1 to 2"),
    ):
        path.write_bytes(data)
        rewritten(path, change)
        with pytest.raises(CheckpointError, match=message):
            KeyedVectors.load(path, mmap=True)


@pytest.mark.parametrize("mmap", [False, True])
def test_files_with_other_contents(tmp_path, path, mmap):
    other = tmp_path / "mlp.safetensors"
    save_checkpoint(other, {"params.weight": TABLE}, {"estimator": "MLP"})
    with pytest.raises(CheckpointError, match=r"mlp\.safetensors holds MLP, which has no word vectors"):
        KeyedVectors.load(other, mmap=mmap)
    with pytest.raises(CheckpointError, match="holds KeyedVectors without output vectors; take vectors='input'"):
        KeyedVectors.load(path, mmap=mmap, vectors="output")
    with pytest.raises(
        ValueError, match="vectors='both' is not a table of word vectors, expected one of input, output, sum"
    ):
        KeyedVectors.load(path, mmap=mmap, vectors="both")
    with pytest.raises(FileNotFoundError, match="nothing"):
        KeyedVectors.load(tmp_path / "nothing", mmap=mmap)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"empty is a folder without a checkpoint: neither best\.safetensors nor"):
        KeyedVectors.load(tmp_path / "empty", mmap=mmap)


def test_text_has_no_tables_to_choose_from(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("1 2\na 1 2\n")
    assert KeyedVectors.load(path, dtype="float64").vectors.dtype == np.float64
    with pytest.raises(ValueError, match=r"vectors\.txt is not a safetensors file, which mmap=True needs"):
        KeyedVectors.load(path, mmap=True)
    with pytest.raises(ValueError, match=r"vectors\.txt is not a safetensors file, which vectors='sum' needs"):
        KeyedVectors.load(path, vectors="sum")


def test_words_as_bytes():
    data, lengths = pack_words(WORDS)
    assert (data.dtype, lengths.dtype) == (np.uint8, np.uint32)
    assert unpack_words(data, lengths) == WORDS
    assert unpack_words(*pack_words([])) == []
    with pytest.raises(ValueError, match="the lengths of the words add up to 22 bytes, but there are 21"):
        unpack_words(data[1:], lengths)
    with pytest.raises(ValueError, match="utf-8"):
        unpack_words(data, np.roll(lengths, 1))


def test_load_of_models_says_where_word_vectors_load(path):
    with pytest.raises(CheckpointError, match="holds KeyedVectors"):
        portnn.load(path)
