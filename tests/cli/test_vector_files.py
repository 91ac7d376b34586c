"""Files of vectors as commands take them: what they do not say of themselves, and what comes through a pipe."""

from __future__ import annotations

import io
import json
import sys

import numpy as np
import pytest

from portnn.vectors import KeyedVectors

pytestmark = pytest.mark.host

GLOVE = b"king 1 0\nqueen 0.9 0.1\nR$ 0,00 -1 0\n"
HEADED = b"3 2\n" + GLOVE


@pytest.fixture
def piped(monkeypatch):
    """Pipe bytes into the next command."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_file_without_a_header(portnn, tmp_path):
    path = tmp_path / "glove.txt"
    path.write_bytes(GLOVE)
    refused = portnn("word2vec", "similar", path, "king")
    assert refused.status == 1
    assert refused.message.endswith("if the file has no header, no_header=True (--no-header) says so")
    found = portnn("word2vec", "similar", path, "king", "--no-header")
    assert found.out == " 0.9939  queen\n-1.0000  R$ 0,00\n"


@pytest.mark.parametrize("command", ["similar", "analogy"])
@pytest.mark.parametrize("form", ["text", "binary"])
def test_the_format_may_be_said(portnn, tmp_path, command, form):
    path, other = tmp_path / "vectors", {"text": "binary", "binary": "text"}[form]
    KeyedVectors(["\x01a", "b", "c\x7f"], [[1, 2], [3, 4], [5, 6]]).save_word2vec_format(path, form == "binary")
    found = portnn("word2vec", command, path, "b")
    assert found.status == 0
    assert portnn("word2vec", command, path, "b", "--format", form) == found
    assert portnn("word2vec", command, path, "b", "--format", other).status == 1
    unknown = portnn("word2vec", command, path, "b", "--format", "fasttext")
    assert unknown.message == "unknown format 'fasttext'; known: text, binary"


def test_words_that_are_not_in_the_encoding_are_kept_and_counted(portnn, tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"4 2\ncaf\xe9 1 0\ncaf\xe8 1 0.1\ncaf 0 1\ncaf 5 5\n")
    refused = portnn("word2vec", "similar", path, "caf")
    assert refused.status == 1
    assert "--errors replace" in refused.message
    found = portnn("word2vec", "similar", path, "caf", "--errors", "replace", "--json")
    assert found.status == 0
    assert "2 of 3 words are not utf-8" in found.err
    assert "1 word is repeated; the first vector of each is kept" in found.err
    words = [entry["word"] for entry in json.loads(found.out)["caf"]]
    assert sorted(words) == ["caf\udce8", "caf\udce9"]
    assert portnn("word2vec", "similar", path, "café", "--encoding", "latin-1").status == 0
    again = tmp_path / "again.txt"
    assert portnn("word2vec", "export", path, again, "--errors", "replace").status == 0
    assert again.read_bytes().startswith(b"3 2\ncaf\xe9 1 0\ncaf\xe8 1 0.1")


@pytest.mark.parametrize("binary", [False, True])
def test_vectors_from_a_pipe(portnn, tmp_path, piped, binary):
    wv = KeyedVectors(["king", "queen", "man"], [[1, 0], [0.9, 0.1], [0, 1]])
    named = tmp_path / "vectors"
    wv.save_word2vec_format(named, binary)
    for arguments in (["similar", named, "king"], ["analogy", named, "king", "-", "man"]):
        piped(named.read_bytes())
        through = portnn("word2vec", *("-" if each == named else each for each in arguments))
        assert through == portnn("word2vec", *arguments)
        assert through.status == 0
    piped(named.read_bytes())
    assert portnn("word2vec", "export", "-", tmp_path / "out.txt").status == 0
    assert KeyedVectors.load(tmp_path / "out.txt").index_to_key == wv.index_to_key
    wv.save(tmp_path / "vectors.safetensors")
    piped((tmp_path / "vectors.safetensors").read_bytes())
    assert portnn("word2vec", "similar", "-", "king").out == portnn("word2vec", "similar", named, "king").out


def test_words_and_questions_from_a_pipe(portnn, tmp_path, piped):
    path = tmp_path / "vectors.txt"
    path.write_bytes(HEADED)
    piped("\ufeffking\r\nR$ 0,00\n\n".encode())
    through = portnn("word2vec", "similar", path, "-")
    assert through == portnn("word2vec", "similar", path, "king", "R$ 0,00")
    pairs = b"king\tqueen\t9\nking\tR$ 0,00\t1\nqueen\tR$ 0,00\t2\n"
    (tmp_path / "pairs.tsv").write_bytes(pairs)
    piped(pairs)
    through = portnn("word2vec", "evaluate", path, "-", "--json")
    direct = portnn("word2vec", "evaluate", path, tmp_path / "pairs.tsv", "--json")
    assert json.loads(through.out)[0] | {"file": ""} == json.loads(direct.out)[0] | {"file": ""}
    assert json.loads(through.out)[0]["pairs"] == 3
    piped(HEADED)
    twice = portnn("word2vec", "similar", "-", "-")
    assert twice.message == '"-", standard input, can be read only once'


@pytest.mark.parametrize("order", ["{file} --words king queen", "--words king queen {file}", "{file} king queen"])
def test_the_file_to_draw_is_the_one_that_exists(portnn, tmp_path, order):
    path = tmp_path / "vectors.txt"
    path.write_bytes(HEADED)
    result = portnn("word2vec", "plot", *order.format(file=path).split(), "--json")
    assert result.status == 0
    assert json.loads(result.out) == {"file": str(tmp_path / "vectors.png"), "words": ["king", "queen"]}


def test_numbers_beyond_single_precision_are_named(portnn, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_bytes(b"2 2\na 1 2\nb 1e39 4\n")
    assert portnn("word2vec", "similar", path, "a").message == (
        f"{path}, line 3: '1e39' is too large for single precision, whose largest number is 3.4e38"
    )
    KeyedVectors(["a", "b"], np.array([[1.0, 2.0], [1e39, 4.0]])).save(tmp_path / "wide.safetensors")
    found = portnn("word2vec", "similar", tmp_path / "wide.safetensors", "a", "--dtype", "float32")
    assert found.status == 1
    assert "1e+39" in found.message
