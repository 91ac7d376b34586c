"""`portnn word2vec`: train, and use what was learned."""

from __future__ import annotations

import gzip
import io
import json
import os
import shlex
import signal
import sys

import numpy as np
import pytest

from portnn.checkpoints import load_checkpoint
from portnn.cli.word2vec.report import neighbours, whole_epochs
from portnn.estimators import Word2Vec
from portnn.settings import declared
from portnn.training import RunFolder, read_metrics
from portnn.vectors import KeyedVectors

pytestmark = pytest.mark.host

TEXT = "the king loves the queen\nthe man loves the woman\nthe Queen saw a man, and the king a woman\n" * 30


@pytest.fixture
def train_and_draw(portnn, tmp_path):
    """Train something small: ``train("--epochs", 3)`` on the text above, or on files that are given first."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(TEXT)

    def call(*arguments):
        files = [] if arguments and not str(arguments[0]).startswith("--") else [corpus]
        small = ("--vector-size", 6, "--window", 2, "--batch-size", 64, "--epochs", 2, "--sample", 0)
        small = () if "--resume" in arguments else small
        return portnn("word2vec", "train", *files, "--out", tmp_path / "run.safetensors", *small, *arguments)

    return call


@pytest.fixture
def train(train_and_draw, monkeypatch):
    """Train without drawing the loss curve, which takes longer than all the rest."""
    monkeypatch.setattr("portnn.cli.word2vec.report.draw_curve", lambda *_, **__: (False, "not drawn"))
    return train_and_draw


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "run.safetensors")


WORDS = ["king", "man", "woman", "queen", "film", "Film"]
VECTORS = [[1, 1, 0], [0.1, 1, 0], [0.1, 0, 1], [1, 0, 1], [-1, 0.2, 0.1], [-1, 0.2, 0.2]]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same vectors in every format."""
    folder = tmp_path_factory.mktemp("vectors")
    wv = KeyedVectors(WORDS, np.array(VECTORS, np.float32), [6, 5, 4, 3, 2, 1])
    paths = {name: folder / f"vectors.{name}" for name in ("safetensors", "txt", "bin")}
    wv.save(paths["safetensors"])
    wv.save_word2vec_format(paths["txt"])
    wv.save_word2vec_format(paths["bin"], binary=True)
    return paths


@pytest.fixture(scope="module")
def path(files):
    return files["safetensors"]


def test_results_to_stdout_and_progress_to_stderr(train_and_draw, folder, portnn) -> None:
    result = train_and_draw()
    assert result.status == 0
    names = [line.split()[0] for line in result.out.splitlines() if not line.startswith(" ")]
    assert names == ["learned", "neighbours", "text", "speed", "vectors", "metrics", "loss", "next"]
    assert "nats per pair in the last epoch (guessing: 4.159)" in result.out
    assert "epoch 2: loss" in result.err
    assert "skip-gram, 6 values, on numpy (cpu, float32)" in result.err
    assert "\x1b" not in result.out + result.err
    assert folder.curve.read_bytes().startswith(b"\x89PNG")
    assert f"{read_metrics(folder.metrics)[-1]['loss']:.3f} nats" in result.out
    command = shlex.split(result.out.splitlines()[-1])[1:]
    assert portnn(*command[1:]).status == 0


def test_a_run_that_learned_little_says_so(train) -> None:
    said = "hardly more than guessing: try more --epochs or a higher --alpha"
    assert said in train("--alpha", 1e-3).out
    assert said not in train("--epochs", 30, "--overwrite").out


def test_phrases_are_counted(train) -> None:
    assert "phrases: 4 with a score above 0.2\n" in train("--phrases", 1, "--phrase-threshold", 0.2).err


@pytest.mark.parametrize(("sg", "shown"), [(True, "default: {}"), (False, "CBOW {}]")], ids=["skip-gram", "CBOW"])
def test_the_help_tells_the_defaults_of_blocks(portnn, sg, shown) -> None:
    told, windows = " ".join(portnn("word2vec", "train", "--help").out.split()), Word2Vec(sg=sg).settings
    assert windows.block == ((16, 40) if sg else (32, 32))
    for name, number in zip(("block_size", "shared_negatives"), windows.block, strict=True):
        after = told.partition(f"--{name.replace('_', '-')} ")[2].partition(" --")[0]
        assert shown.format(number) in after


def test_the_curve_has_a_point_an_epoch() -> None:
    lines = [{"step": step, "loss": 1.0 / step} for step in range(2, 21, 2)]
    assert [line["step"] for line in whole_epochs(lines, 6)] == [6, 12, 18]
    assert whole_epochs(lines, 8) == lines  # two epochs make no curve


def test_neighbours_are_no_punctuation(monkeypatch) -> None:
    monkeypatch.setattr("portnn.cli.word2vec.report.NEIGHBOURS", 9)
    model = Word2Vec(TEXT, vector_size=6, window=2, sample=0, progress=False)
    assert sorted([*neighbours(model, "king"), "king", ","]) == sorted(model.vocabulary.words)


def test_json(train, folder, portnn) -> None:
    found = json.loads(train("--json").out)
    assert found["loss_nats_per_pair"] == found["epoch_losses"][-1] < found["epoch_losses"][0]
    assert found["guess_nats_per_pair"] == pytest.approx(6 * np.log(2))
    assert (found["words"], found["vocabulary"]) == (630, 10)
    assert found["vectors"] == str(folder.last)
    assert all(len(near) == 5 for near in found["neighbours"].values())
    assert portnn(*shlex.split(found["similar_command"])[1:]).status == 0


def test_a_full_softmax_is_measured_against_the_vocabulary(train) -> None:
    found = json.loads(train("--negative", 0, "--json", "--alpha", 1e-6, "--min-alpha", 1e-7).out)
    assert found["loss_nats_per_pair"] == pytest.approx(found["guess_nats_per_pair"], rel=1e-3)
    assert found["guess_nats_per_pair"] == pytest.approx(np.log(10))


def test_the_defaults_are_those_of_the_library(train, folder, tmp_path, portnn) -> None:
    """Of the class and of its fit, whatever they become."""
    assert portnn("word2vec", "train", tmp_path / "corpus.txt", "--out", folder.path).status == 0
    theirs = Word2Vec().fit(tmp_path / "corpus.txt", progress=False)
    theirs.save(tmp_path / "theirs.safetensors")
    (arrays, facts), (others, other_facts) = (
        load_checkpoint(folder.last),
        load_checkpoint(tmp_path / "theirs.safetensors"),
    )
    assert arrays["params.input"].tobytes() == others["params.input"].tobytes()
    assert all(facts[name] == other_facts[name] for name in ("settings", "model", "dtype"))


def test_every_option_arrives(train, folder, tmp_path, portnn) -> None:
    (tmp_path / "corpus.txt").write_text(TEXT, encoding="utf-16")
    options = {
        "vector_size": 7,
        "window": 3,
        "sg": False,
        "negative": 4,
        "cbow_mean": False,
        "sample": 0.5,
        "min_count": 2,
        "max_vocab_size": 10,
        "ns_exponent": 0.5,
        "shrink_windows": False,
        "alpha": 0.03,
        "min_alpha": 0.001,
        "epochs": 1.5,
        "phrases": 1,
        "phrase_threshold": 2.0,
        "level": "space",
        "lines": False,
        "lowercase": False,
        "batch_size": 32,
        "block_size": 8,
        "shared_negatives": 9,
        "shared_tables": True,
        "seed": 3,
        "dtype": "float64",
        "encoding": "utf-16",
        "checkpoint_every": 5,
    }
    declared_names = {name for name, setting in declared(Word2Vec.SETTINGS).items() if not setting.transient}
    assert declared_names - {"whole_steps"} <= options.keys()
    flags = {
        "sg": "--cbow",
        "cbow_mean": "--cbow-sum",
        "shrink_windows": "--whole-windows",
        "lines": "--running-text",
        "lowercase": "--keep-case",
        "shared_tables": "--shared-tables",
    }
    given = [
        piece
        for name, value in options.items()
        for piece in ([flags[name]] if name in flags else [f"--{name.replace('_', '-')}", value])
    ]
    result = train(*given, "--optimizer", "adagrad")
    assert result.status == 0, result.err
    facts = load_checkpoint(folder.last)[1]
    then = {**facts["fit"], **facts["settings"], "dtype": facts["dtype"]}
    assert {name: then[name] for name in options} == options
    assert facts["fit"]["optimizer"]["name"] == "adagrad"


def test_resume_goes_on_with_the_settings_of_the_run(train, folder, tmp_path, monkeypatch) -> None:
    """Bit for bit, without naming any of them again."""
    settings = (
        "--cbow",
        "--negative",
        3,
        "--dtype",
        "float64",
        "--seed",
        5,
        "--optimizer",
        "adagrad",
        "--min-count",
        2,
        "--level",
        "space",
        "--keep-case",
        "--alpha",
        0.2,
        "--epochs",
        6,
    )
    whole = tmp_path / "whole"
    assert train(*settings, "--out", whole).status == 0
    interrupted(monkeypatch, 9)
    stopped = train(*settings)
    monkeypatch.undo()
    assert stopped.status == 130
    assert stopped.message == "stopped by SIGINT after step 9; --resume continues from there"
    assert stopped.out == ""
    result = train("--resume")
    assert result.status == 0, result.err
    assert f"resuming the run in {folder.path} after step 9" in result.err
    (arrays, facts), (others, other_facts) = load_checkpoint(folder.last), load_checkpoint(whole / "last.safetensors")
    assert {name: array.tobytes() for name, array in arrays.items()} == {
        name: array.tobytes() for name, array in others.items()
    }
    assert facts["fit"] == other_facts["fit"]
    assert facts["settings"] == other_facts["settings"]


def interrupted(monkeypatch, step: int) -> None:
    """Let every run be interrupted after a step."""
    fit = Word2Vec.fit

    def strike(event) -> None:
        if event.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Word2Vec, "fit", lambda self, *given, **named: fit(self, *given, **named, callbacks=[strike]))


def test_resume_of_a_run_that_is_done_and_for_longer(train, folder) -> None:
    train()
    done = load_checkpoint(folder.last)[1]["run"]["step"]
    assert f"{done} steps" in train("--resume").out
    assert train("--resume", "--epochs", 4).status == 0
    assert load_checkpoint(folder.last)[1]["run"]["step"] == 2 * done


def test_resume_where_nothing_is_starts(train) -> None:
    result = train("--resume", "--vector-size", 4, "--epochs", 1)
    assert result.status == 0
    assert "no checkpoint in" in result.err


def test_no_corpus_is_the_documentation_of_python(portnn, folder, monkeypatch) -> None:
    monkeypatch.setattr("portnn.cli.word2vec.train.python_documentation", lambda: "a statement\nof two lines " * 60)
    result = portnn("word2vec", "train", "--out", folder.path, "--vector-size", 4, "--window", 2)
    assert result.status == 0
    assert "the documentation that ships with Python" in result.err
    facts = load_checkpoint(folder.last)[1]
    assert (facts["settings"]["lines"], facts["settings"]["epochs"]) == (False, 20)


def test_folders_and_several_files(train, tmp_path, folder) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    for name in "ab":
        (texts / name).write_text(TEXT)
    assert train(texts).status == 0
    both = load_checkpoint(folder.last)[0]
    assert train(texts / "a", texts / "b", "--overwrite").status == 0
    assert load_checkpoint(folder.last)[0]["params.input"].tobytes() == both["params.input"].tobytes()


def test_no_matplotlib_is_a_clear_line(train_and_draw, folder, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = train_and_draw()
    assert result.status == 0
    assert "loss curve  not drawn: matplotlib is not installed; python -m pip install" in result.out


@pytest.mark.parametrize("kind", ["safetensors", "txt", "bin"])
def test_similar(portnn, files, kind) -> None:
    result = portnn("word2vec", "similar", files[kind], "king", "--topn", 2)
    assert (result.status, result.err) == (0, "")
    assert result.out == " 0.7740  man\n 0.5000  queen\n"
    found = json.loads(portnn("word2vec", "similar", files[kind], "king", "film", "--topn", 1, "--json").out)
    assert [near["word"] for word in ("king", "film") for near in found[word]] == ["man", "Film"]
    several = portnn("word2vec", "similar", files[kind], "king", "film", "--topn", 1)
    assert several.out == "king:\n 0.7740  man\nfilm:\n 0.9954  Film\n"


def test_tables_of_a_trained_model(portnn, train, folder) -> None:
    train()
    found = {
        table: portnn("word2vec", "similar", folder.last, "king", "--vectors", table).out
        for table in ("input", "output", "sum")
    }
    assert len(set(found.values())) == 3
    (word, cosine), *_ = KeyedVectors.load(folder.last, vectors="sum").most_similar("king")
    assert found["sum"].startswith(f"{cosine:7.4f}  {word}\n")


@pytest.mark.parametrize(
    "expression",
    [
        ("king", "-", "man", "+", "woman"),
        ("king - man + woman",),
        ("+", "king", "-", "man", "+", "woman"),
        ("- man", "+", "king", "+ woman"),
        ("--", "-", "man", "+", "king", "+", "woman"),
    ],
)
@pytest.mark.parametrize("method", ["add", "mul"])
def test_analogy(portnn, path, expression, method) -> None:
    result = portnn("word2vec", "analogy", path, "--topn", 1, "--method", method, *expression)
    assert result.status == 0, result.err
    wv = KeyedVectors.load(path)
    ask = wv.most_similar if method == "add" else wv.most_similar_cosmul
    ((word, score),) = ask(["king", "woman"], ["man"], topn=1)
    assert word == "queen"
    assert result.out == f"{score:7.4f}  queen\n"


def test_analogy_as_json(portnn, path) -> None:
    found = json.loads(portnn("word2vec", "analogy", path, "king", "-", "man", "+", "woman", "--json").out)
    assert (found["positive"], found["negative"], found["method"]) == (["king", "woman"], ["man"], "add")
    assert found["answers"][0]["word"] == "queen"


def test_evaluate_finds_the_kind_of_a_file_by_its_content(portnn, path, tmp_path) -> None:
    analogies, pairs = tmp_path / "a", tmp_path / "b"
    analogies.write_text(": family\nman king woman queen\nMAN WOMAN KING QUEEN\nman king aunt queen\n: none\na b c d\n")
    pairs.write_text("# word 1, word 2, mean\nking\tman\t9\nking\tqueen\t8\nking\tfilm\t1\nking\taunt\t5\n")
    result = portnn("word2vec", "evaluate", path, analogies, pairs)
    assert result.status == 0, result.err
    assert result.out.splitlines()[:3] == [
        f"{analogies}: 100.0% of 2 analogies right",
        "  100.0% of      2  family",
        "  left out 2, with words that are not in the vocabulary",
    ]
    assert f"{pairs}: Spearman 1.000, Pearson 0.9" in result.out
    assert "over 3 word pairs" in result.out
    one, other = json.loads(portnn("word2vec", "evaluate", path, analogies, pairs, "--json").out)
    assert (one["kind"], one["accuracy"], one["unknown"], len(one["sections"])) == ("analogies", 1.0, 2, 2)
    assert (other["kind"], other["pairs"], other["unknown"]) == ("pairs", 3, 1)
    strict = json.loads(portnn("word2vec", "evaluate", path, analogies, "--case-sensitive", "--json").out)
    assert strict[0]["questions"] == 1


@pytest.mark.parametrize("suffix", ["txt", "vec", "bin", "txt.gz", "bin.xz", "safetensors"])
@pytest.mark.parametrize("kind", ["safetensors", "txt", "bin"])
def test_export_from_any_format_to_any(portnn, files, tmp_path, kind, suffix) -> None:
    out = tmp_path / f"copy.{suffix}"
    result = portnn("word2vec", "export", files[kind], out)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(f"{out}: 6 words of 3 values, ")
    found = KeyedVectors.load(out)
    assert found.index_to_key == WORDS
    assert found.vectors.tolist() == np.array(VECTORS, np.float32).tolist()
    assert portnn("word2vec", "export", files[kind], out, "--overwrite", "--json").status == 0


def test_export_of_another_table(portnn, train, folder, tmp_path) -> None:
    train()
    assert portnn("word2vec", "export", folder.last, tmp_path / "out.txt", "--vectors", "output").status == 0
    theirs = load_checkpoint(folder.last)[0]["params.output"]
    assert np.array_equal(KeyedVectors.load(tmp_path / "out.txt").vectors, theirs)


@pytest.mark.parametrize(
    ("arguments", "drawn"),
    [
        (("--words", "king", "man", "woman"), ["king", "man", "woman"]),
        (("--words", "king", "--words", "man"), ["king", "man"]),
        (("king", "film"), ["king", "film"]),
        ((), WORDS),
    ],
)
def test_plot(portnn, path, tmp_path, monkeypatch, arguments, drawn) -> None:
    seen = []

    class Figure:
        def savefig(self, out, dpi) -> None:
            out.write_bytes(b"picture")

    def plot_words(vectors, words, *, title):
        seen.append((list(words), title))
        return Figure()

    monkeypatch.setattr("portnn.plots.plot_words", plot_words)
    out = tmp_path / "map.png"
    result = portnn("word2vec", "plot", path, *arguments, "--out", out, "--title", "Words")
    assert (result.status, result.out) == (0, f"{out}: {len(drawn)} words\n")
    assert seen == [(drawn, "Words")]
    found = json.loads(portnn("word2vec", "plot", path, *arguments, "--out", out, "--overwrite", "--json").out)
    assert found == {"file": str(out), "words": drawn}


def test_a_picture_beside_the_vectors(portnn, files, tmp_path) -> None:
    vectors = tmp_path / "small.txt"
    vectors.write_bytes(files["txt"].read_bytes())
    result = portnn("word2vec", "plot", vectors, "--words", "king", "man", "film")
    assert (result.status, result.err) == (0, "")
    assert vectors.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_export_onto_itself_would_lose_the_run(train, folder, portnn) -> None:
    train()
    before = folder.last.read_bytes()
    result = portnn("word2vec", "export", folder.last, folder.last.parent / "." / folder.last.name, "--overwrite")
    assert (result.status, result.out) == (1, "")
    assert result.err.endswith("is the file to export; name another\n")
    assert folder.last.read_bytes() == before


@pytest.fixture
def pipe(monkeypatch):
    """Put bytes into standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.mark.parametrize("kind", ["safetensors", "txt", "bin", "gz"])
@pytest.mark.parametrize("command", ["similar", "analogy", "evaluate", "export", "plot"])
def test_vectors_through_a_pipe(portnn, pipe, files, tmp_path, monkeypatch, kind, command) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs").write_text("king\tman\t1\nking\tqueen\t2\n")
    questions = {
        "similar": ["king", "--topn", 1],
        "analogy": ["king", "-", "man", "--topn", 1],
        "evaluate": ["pairs"],
        "export": ["copy.txt"],
        "plot": ["king", "man", "film"],
    }[command]
    pipe(gzip.compress(files["txt"].read_bytes()) if kind == "gz" else files[kind].read_bytes())
    piped = portnn("word2vec", command, "-", *questions)
    assert (piped.status, piped.err) == (0, "")
    overwrite = ["--overwrite"] if command == "export" else []
    expected = portnn("word2vec", command, files["txt" if kind == "gz" else kind], *questions, *overwrite)
    if command == "plot":
        assert piped.out == "vectors.png: 3 words\n"
    else:
        assert piped.out == expected.out


def test_questions_and_words_through_a_pipe(portnn, pipe, path) -> None:
    pipe(b"\xef\xbb\xbfking\tman\t1\nking\tqueen\t2\nking\tfilm\t0\n")
    result = portnn("word2vec", "evaluate", path, "-", "--json")
    assert (result.status, json.loads(result.out)[0]["file"], json.loads(result.out)[0]["pairs"]) == (0, "-", 3)
    pipe(b"king\r\nfilm\n\n")
    result = portnn("word2vec", "similar", path, "-", "--topn", 1)
    assert result.out == portnn("word2vec", "similar", path, "king", "film", "--topn", 1).out
    pipe(b"king\tman\tmuch\n")
    assert portnn("word2vec", "evaluate", path, "-").message == "standard input, line 1: 'much' is not a number"
    pipe(b"2 2\na 1 2\nb 3 x\n")
    assert "standard input, line 3: 'x' is not a number" in portnn("word2vec", "similar", "-", "a").message
    pipe(b"\n")
    assert portnn("word2vec", "similar", path, "-").message == "standard input holds no words"
    for arguments in (("similar", "-", "-"), ("evaluate", "-", "-"), ("evaluate", path, "-", "-"), ("plot", "-", "-")):
        result = portnn("word2vec", *arguments)
        assert (result.status, result.message) == (1, '"-", standard input, can be read only once')


COMMANDS = {
    "similar": ["b", "--topn", 1],
    "analogy": ["b", "-", "\x01a", "--topn", 1],
    "evaluate": ["pairs"],
    "export": ["copy.txt"],
    "plot": ["b", "\x01a", "c\x7f"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_reads_what_a_file_does_not_show(portnn, tmp_path, monkeypatch, command) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs").write_text("b\t\x01a\t1\nb\tc\x7f\t2\n")

    def run(*options):
        for made in ("copy.txt", "vectors.png"):
            (tmp_path / made).unlink(missing_ok=True)
        return portnn("word2vec", command, "vectors.txt", *COMMANDS[command], *options)

    def ask(*options):
        result = run(*options)
        assert result.status == 0, result.err
        return result

    def refused(*options):
        result = run(*options)
        assert (result.status, result.out) == (1, "")
        return result

    rows = b"\x01a 1 2\nb 3 4\nc\x7f 5 7\n"
    vectors = tmp_path / "vectors.txt"
    vectors.write_bytes(b"3 2\n" + rows)
    expected = ask()
    assert expected.err == ""
    assert ask("--format", "text").out == expected.out
    vectors.write_bytes(b"4 2\n" + rows + b"b 0 0\n")
    result = ask()
    assert (result.out, result.err) == (
        expected.out,
        "vectors.txt: 1 word is repeated; the first vector of each is kept\n",
    )
    vectors.write_bytes(rows)
    assert ask("--no-header").out == expected.out
    result = refused()
    assert "it looks like a vector: if the file has no header, no_header=True (--no-header) says so" in result.message
    vectors.write_bytes(b"5 2\n" + rows + b"\xe9 0 0\n\xe8 0 1\n")
    advice = refused().message
    assert "--encoding latin-1" in advice
    assert "--errors replace" in advice
    assert ask("--encoding", "latin-1").err == ""
    assert ask("--errors", "replace").err.startswith("vectors.txt: 2 of 5 words are not utf-8;")
    wv = KeyedVectors(["b", "\x01a", "c\x7f"], np.array([[3, 4], [1, 2], [5, 7]]))
    wv.save_word2vec_format(vectors, binary=True)
    assert ask("--format", "binary").status == 0
    assert "vectors.txt, line 2: " in refused("--format", "text").message
    assert refused("--format", "csv").message == "unknown format 'csv'; known: text, binary"


def test_undecodable_words_are_found_and_exported_as_they_were(portnn, pipe, tmp_path) -> None:
    vectors, copy = tmp_path / "vectors.txt", tmp_path / "copy.txt"
    vectors.write_bytes(b"3 2\na 1 0\n\xe9 0 1\n\xe8 1 1\n")
    result = portnn("word2vec", "export", vectors, copy, "--errors", "replace")
    assert result.status == 0
    assert copy.read_bytes() == vectors.read_bytes()
    pipe(b"\xe9\n")
    assert portnn("word2vec", "similar", vectors, "-", "--errors", "replace", "--json").status == 0


def test_options_of_the_word2vec_format_are_not_for_other_files(portnn, path) -> None:
    result = portnn("word2vec", "similar", path, "king", "--errors", "replace")
    assert result.message == f"{path} is a safetensors file; errors is for files in the word2vec format"


def test_a_narrower_dtype_does_not_make_infinity(portnn, tmp_path) -> None:
    wide = tmp_path / "wide.safetensors"
    KeyedVectors(["a", "b"], np.array([[1.0, 2], [1e39, 0]])).save(wide)
    assert portnn("word2vec", "similar", wide, "a").status == 0
    for arguments in (("similar", wide, "a", "--dtype", "float32"), ("export", wide, tmp_path / "narrow.txt")):
        result = portnn("word2vec", *arguments)
        assert (result.status, result.out) == (1, "")
        assert "the vector of 'b' contains 1e+39, too large for single precision" in result.message
    assert not (tmp_path / "narrow.txt").exists()


@pytest.mark.parametrize(
    ("argument", "words"),
    [("new york - a + b c", ["new", "york"]), ("new york", None)],
)
def test_words_that_contain_spaces_are_arguments_of_their_own(portnn, tmp_path, argument, words) -> None:
    vectors = tmp_path / "vectors.txt"
    KeyedVectors(["new york", "a", "10\u00a0km"], np.eye(3)).save_word2vec_format(vectors)
    result = portnn("word2vec", "analogy", vectors, argument, "--json")
    if words:
        assert "'new' is followed by 'york', expected + or -" in result.message
    else:
        assert json.loads(result.out)["positive"] == ["new york"]
    found = portnn("word2vec", "analogy", vectors, "new york", "-", "a", "+", "10\u00a0km", "--json")
    assert json.loads(found.out)["positive"] == ["new york", "10\u00a0km"]


@pytest.mark.parametrize(
    ("arguments", "drawn"),
    [
        (("--words", "king", "man", "FILE"), ["king", "man"]),
        (("FILE", "--words", "king", "man"), ["king", "man"]),
        (("--words", "king", "FILE"), ["king"]),
        (("--words", "king", "FILE", "man"), ["king", "man"]),
        (("--words", "king", "--words", "man", "FILE"), ["king", "man"]),
        (("king", "man", "FILE"), ["king", "man"]),
        (("FILE", "king", "man"), ["king", "man"]),
        (("king", "FILE", "--title", "x", "man"), ["king", "man"]),
    ],
)
def test_the_file_of_a_plot_is_where_it_is(portnn, path, tmp_path, monkeypatch, arguments, drawn) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments == ("FILE", "king", "man"):
        (tmp_path / "king").touch()  # the first argument is the file all the same
    seen = []

    class Figure:
        def savefig(self, out, dpi) -> None:
            out.write_bytes(b"picture")

    monkeypatch.setattr("portnn.plots.plot_words", lambda wv, words, title: seen.append(list(words)) or Figure())
    result = portnn("word2vec", "plot", *(path if each == "FILE" else each for each in arguments), "--out", "map.png")
    assert result.status == 0, result.err
    assert seen == [drawn]


def test_a_plot_that_cannot_tell_its_file_says_so(portnn, path, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert portnn("word2vec", "plot", "--words", "king", "man", "nowhere").message == (
        "no file of vectors: none of 'man', 'nowhere' exists"
    )
    (tmp_path / "man").touch()
    result = portnn("word2vec", "plot", "--words", "king", "man", path)
    assert (
        result.message == f"'man' and '{path}' are files: which holds the vectors? Name it first and leave out --words"
    )


def test_a_plot_takes_the_folder_of_a_run_wherever_it_stands(portnn, train, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert train("--out", tmp_path / "run").status == 0
    (tmp_path / "man").mkdir()  # a folder, but not that of a run
    result = portnn("word2vec", "plot", "--words", "king", "man", "run", "--out", "map.png")
    assert (result.status, result.out) == (0, "map.png: 2 words\n")
    assert result.err.endswith(f"checkpoint {os.path.join('run', 'last.safetensors')}\n")
