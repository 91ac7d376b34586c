"""Bad input to `portnn word2vec`: one clear line, the exit status, and nothing is lost."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import portnn as library
from portnn.vectors import KeyedVectors

pytestmark = pytest.mark.host

TEXT = "the king loves the queen\nthe man loves the woman\n" * 20
SMALL = ("--vector-size", 4, "--window", 2, "--batch-size", 64, "--epochs", 1, "--sample", 0)


@pytest.fixture
def train(portnn, tmp_path, monkeypatch):
    """Train something small: ``train("--alpha", 0)`` on the text above, or on a file that is given first."""
    monkeypatch.setattr("portnn.cli.word2vec.report.draw_curve", lambda *_, **__: (False, "not drawn"))
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(TEXT)

    def call(*arguments):
        files = [] if not str(arguments[0]).startswith("--") else [corpus]
        return portnn("word2vec", "train", *files, "--out", tmp_path / "run.safetensors", *SMALL, *arguments)

    return call


@pytest.fixture
def out(tmp_path):
    return tmp_path / "run.safetensors"


@pytest.fixture
def vectors(tmp_path):
    path = tmp_path / "vectors.safetensors"
    words = ["king", "man", "woman", "queen", "film"]
    KeyedVectors(words, np.random.default_rng(1).normal(size=(5, 300)), [5, 4, 3, 2, 1]).save(path)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "corpus is empty: it has no words"),
        (b"\n \n\n", "corpus is empty: it has no words"),
        (b"a b c\na d\n", "min_count 5 drops all 4 words; the highest min_count that keeps any is 2, with 1 word"),
        (b"film\n" * 9, "one distinct word ('film'); there is nothing to learn"),
        (b"a\nb\n" * 9, "no sentence has two words of the vocabulary, so there is nothing to predict"),
        (b"a caf\xe9\n" * 9, "bad.txt: byte 0xe9 at offset 5 is not utf-8; choose another --encoding"),
    ],
)
def test_a_text_that_cannot_be_learned(train, out, tmp_path, content, message) -> None:
    (tmp_path / "bad.txt").write_bytes(content)
    result = train(tmp_path / "bad.txt")
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert not out.exists()


def test_missing_files(train, tmp_path) -> None:
    (tmp_path / "empty").mkdir()
    assert train(tmp_path / "empty").message == f'corpus "{tmp_path / "empty"}" is a folder without files'
    result = train(tmp_path / "nowhere.txt")
    assert (result.status, result.message) == (1, f'corpus "{tmp_path / "nowhere.txt"}" does not exist')


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(
            ((option, value), f"{option[2:].replace('-', '_')} must be a positive whole number, got {value}")
            for option in (
                "--vector-size",
                "--window",
                "--batch-size",
                "--block-size",
                "--shared-negatives",
                "--checkpoint-every",
            )
            for value in (0, -3)
        ),
        *(
            ((option, value), f"{option[2:].replace('-', '_')} must be a positive whole number, got {value}")
            for option in ("--min-count", "--max-vocab-size")
            for value in (0, -3)
        ),
        *((("--alpha", value), f"alpha must be a positive number, got {value}") for value in (0.0, -1.0, "nan", "inf")),
        *((("--min-alpha", value), "min_alpha must be ") for value in (-1, 0.03, "nan")),
        *((("--epochs", value), "epochs must be a positive number") for value in (0, -1, "nan", "inf")),
        *((("--sample", value), "sample must be 0 or a positive number") for value in (-1, "nan", "inf")),
        *((("--ns-exponent", value), "ns_exponent must be a finite number") for value in ("nan", "inf")),
        *((("--phrase-threshold", value), "phrase_threshold must be a finite number") for value in ("nan", "inf")),
        (("--negative", -1), "negative must be 0 or a positive whole number, got -1"),
        (("--phrases", -1), "phrases must be 0 or a positive whole number, got -1"),
        (("--seed", -1), "seed must be 0 or a positive whole number, got -1"),
        (("--optimizer", "newton"), "unknown optimizer 'newton'"),
        (("--optimizer", "momentum"), "momentum"),
        (("--level", "letter"), "unknown level 'letter'; known: word, space, char, jieba"),
        (("--encoding", "klingon"), "unknown encoding 'klingon'"),
        (("--dtype", "float16"), "unknown dtype 'float16'; known: float32, float64"),
        (("--backend", "tensorflow"), "unknown backend 'tensorflow'; known: auto, numpy"),
        (("--device", "cuda:7"), "numpy has no device 'cuda:7'"),
    ],
)
def test_a_setting_that_makes_no_sense(train, out, options, message) -> None:
    result = train(*options)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--resume", "--overwrite"), "--resume continues a run, --overwrite replaces it: give one of them"),
        (("--out", "vectors.bin"), "training writes .safetensors; portnn word2vec export makes"),
        (("--out", "vectors.txt.gz"), "training writes .safetensors; portnn word2vec export makes"),
        (("--vector-size", "many"), "--vector-size"),
        (("--what",), "No such option: --what"),
    ],
)
def test_wrong_usage(train, out, options, message) -> None:
    result = train(*options)
    assert (result.status, result.out) == (2, "")
    assert "Usage: portnn word2vec train" in result.err
    assert message in result.err
    assert not out.exists()


def test_a_run_is_replaced_only_if_that_is_said(train, out) -> None:
    assert train("--seed", 1).status == 0
    before = out.read_bytes()
    result = train("--seed", 2)
    assert (result.status, result.out) == (1, "")
    assert result.message == (f"{out} already holds a run: --resume it, --overwrite it, or name another with --out")
    assert out.read_bytes() == before
    assert train("--seed", 2, "--overwrite").status == 0
    assert out.read_bytes() != before


def test_resume_of_another_run(train, out, tmp_path) -> None:
    assert train("--seed", 1).status == 0
    before = out.read_bytes()
    for options, message in (
        (("--window", 1), "cannot resume: the checkpoint has window 2, not 1"),
        (("--cbow",), "cannot resume: the checkpoint has sg True, not False"),
        (("--seed", 2), "cannot resume: the checkpoint has seed 1, not 2"),
        (("--keep-case",), "cannot resume: the checkpoint has lowercase True, not False"),
        (("--negative", 2), "cannot resume: the checkpoint has negative 5, not 2"),
    ):
        result = train("--seed", 1, "--resume", *options)
        assert (result.status, result.message, result.out) == (1, message, "")
    (tmp_path / "other.txt").write_text(TEXT + TEXT)
    result = train(tmp_path / "other.txt", "--seed", 1, "--resume")
    assert result.status == 1
    assert "cannot resume: other.txt has 400 words, but the text trained on, corpus.txt, had 200" in result.message
    assert out.read_bytes() == before


def test_resume_of_what_is_no_run(train, out, character_model) -> None:
    character_model(out)
    result = train("--resume")
    assert (result.status, result.message) == (1, "the checkpoint holds 'CharRNN', not 'Word2Vec'")
    out.unlink()
    KeyedVectors(["a", "b"], [[1.0], [2.0]]).save(out)
    assert "holds 'KeyedVectors', not 'Word2Vec'" in train("--resume").message


@pytest.fixture
def character_model():
    """Write the checkpoint of a model of another kind."""

    def write(path) -> None:
        model = library.CharRNN("rnn", hidden_size=2)
        model.fit("abcab" * 9, steps=1, batch_size=1, seq_length=4, held_out=0, progress=False).save(path)

    return write


QUESTION = {
    "similar": ("king",),
    "analogy": ("king", "-", "man"),
    "evaluate": ("questions",),
    "plot": ("--words", "king"),
    "export": ("copy.txt",),
}


@pytest.fixture
def ask(portnn, tmp_path, monkeypatch):
    """Any of the commands that take vectors, with something to ask them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "questions").write_text("king\tman\t1\nman\tqueen\t2\n")
    return lambda command, file: portnn("word2vec", command, file, *QUESTION[command])


@pytest.mark.parametrize("command", QUESTION)
def test_a_file_without_vectors(ask, vectors, tmp_path, character_model, command) -> None:
    bad = tmp_path / "bad"
    result = ask(command, bad)
    assert (result.status, result.out, result.message) == (1, "", f"{bad}: No such file or directory")
    whole = vectors.read_bytes()
    wv = KeyedVectors.load(vectors)
    binary, text = tmp_path / "whole.bin", tmp_path / "whole.txt"
    wv.save_word2vec_format(binary, binary=True)
    wv.save_word2vec_format(text)
    for content, message in (
        (b"", "is not a header of the word2vec format"),
        (b"what is this\n", "'what is this' is not a header of the word2vec format, expected two whole numbers"),
        (whole[:12], "truncated or damaged"),
        (whole[:-100], "truncated or damaged" if command != "export" else "bad"),
        (binary.read_bytes()[:-1], "bad"),
        (binary.read_bytes()[:900], "the header promises 5 words of 300 values, but the file is too short"),
        (text.read_bytes()[: len(text.read_bytes()) // 2], "bad"),
    ):
        bad.write_bytes(content)
        result = ask(command, bad)
        assert (result.status, result.out) == (1, ""), content
        assert message in result.message
    character_model(bad)
    assert ask(command, bad).message == f"{bad} holds CharRNN, which has no word vectors"


def test_a_file_with_a_changed_byte_is_not_exported(portnn, vectors, tmp_path) -> None:
    content = bytearray(vectors.read_bytes())
    content[-2000] ^= 1
    vectors.write_bytes(content)
    result = portnn("word2vec", "export", vectors, tmp_path / "copy.txt")
    assert (result.status, result.out) == (1, "")
    assert "is damaged: its content does not match its digest" in result.message
    assert not (tmp_path / "copy.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("similar", "kign"), "'kign' is not in the vocabulary; similar words: king"),
        (("similar", "King"), "'King' is not in the vocabulary; similar words: king"),
        (("similar", "king", "zzz"), "'zzz' is not in the vocabulary"),
        (("similar", "king", "--vectors", "both"), "vectors='both' is not a table of word vectors"),
        (("similar", "king", "--vectors", "output"), "holds KeyedVectors without output vectors; take vectors='input'"),
        (("analogy", "king", "-", "woamn"), "'woamn' is not in the vocabulary; similar words: woman"),
        (("analogy", "king-man+woman"), "'king-man+woman' is not in the vocabulary; if it is a sum, put spaces"),
        (("analogy", "king", "man"), "expression 'king man': 'king' is followed by 'man', expected + or -"),
        (("analogy", "king", "-", "+", "man"), "expression 'king - + man': '-' is followed by '+', expected a word"),
        (("analogy", "king", "-"), "expression 'king -' ends without a word"),
        (("analogy", "-"), "expression '-' ends without a word"),
        (("analogy", ""), "expression '' ends without a word"),
        (("analogy", "king", "--tpon", 3), "expression 'king --tpon 3': 'king' is followed by '--tpon', expected +"),
        (("analogy", "king", "--method", "div"), "method is 'div'; expected add or mul"),
        (("analogy", "-", "king", "--method", "mul"), "no positive word was given"),
        (("plot", "--words", "king", "flim"), "'flim' is not in the vocabulary; similar words: film"),
        (("plot", "--words", "king", "--out", "map.doc"), "Format 'doc' is not supported"),
        (("export", "copy.doc"), "copy.doc: no format has the suffix '.doc'; known: .safetensors, .txt, .vec, .bin"),
        (("export", "copy"), "copy: no format has the suffix ''"),
        (("export", "copy.safetensors.gz"), "no format has the suffix '.safetensors.gz'"),
        (("evaluate", "nowhere.txt"), "nowhere.txt: No such file or directory"),
    ],
)
def test_questions_that_have_no_answer(portnn, vectors, tmp_path, monkeypatch, arguments, message) -> None:
    monkeypatch.chdir(tmp_path)
    command, *rest = arguments
    before = sorted(tmp_path.iterdir())
    result = portnn("word2vec", command, vectors, *rest)
    assert (result.status, result.out) == (1, "")
    assert message in result.message
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("topn", [0, -1, 2.5, "x"])
@pytest.mark.parametrize("command", [("similar", "king"), ("analogy", "king", "-", "man")])
def test_a_number_of_words_that_makes_no_sense(portnn, vectors, topn, command) -> None:
    result = portnn("word2vec", command[0], vectors, *command[1:], "--topn", topn)
    assert (result.status, result.out) == (2, "")
    assert "Invalid value for '--topn'" in result.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no questions; expected ': section' (analogies) or word, tab, word, tab, number (word pairs)"),
        (b"# nothing\n\n", "has no questions"),
        (b"king man\n", "line 1: 'king man' is not a question; expected ': section'"),
        (b": royal\nking man\n", "line 2: 2 words, expected four"),
        (b": royal\na b c d\n", "none of its 1 questions has all four words in the vocabulary"),
        (b"king\tman\tmuch\n", "line 1: 'much' is not a number"),
        (b"king\tman\t1\n", "a correlation needs two"),
        (b"\xff\n", "line 1: byte 0xff is not UTF-8"),
    ],
)
def test_files_that_ask_nothing(portnn, vectors, tmp_path, content, message) -> None:
    (tmp_path / "questions").write_bytes(content)
    result = portnn("word2vec", "evaluate", vectors, tmp_path / "questions")
    assert (result.status, result.out) == (1, "")
    assert message in result.message


@pytest.mark.parametrize("arguments", [("export", "old.txt"), ("plot", "--out", "old.txt")])
def test_what_is_there_stays(portnn, vectors, tmp_path, monkeypatch, arguments) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.txt").write_text("old")
    command, *rest = arguments
    result = portnn("word2vec", command, vectors, *rest)
    assert (result.status, result.message) == (1, "old.txt already exists: --overwrite it, or name another file")
    assert (tmp_path / "old.txt").read_text() == "old"


def test_no_matplotlib(portnn, vectors, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = portnn("word2vec", "plot", vectors)
    assert (result.status, result.out) == (1, "")
    assert "matplotlib" in result.message
