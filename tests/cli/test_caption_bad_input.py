"""Bad input to `portnn caption`: one clear line, the exit status, and nothing is left behind."""

from __future__ import annotations

import numpy as np
import pytest

import portnn as library

from .bars import bars, save_pictures

pytestmark = pytest.mark.host

FEATURES = np.eye(3, 5)[np.arange(6) % 3]
CAPTIONS = "0\ta cat\n1\ta dog\n2\ttwo birds\n3\ta cat\n4\ta dog\n5\ttwo birds\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Good files, bad ones, and checkpoints of both kinds."""
    folder = tmp_path_factory.mktemp("data")
    wrong = FEATURES.copy()
    wrong[4, 2] = np.nan
    pixels, labels = bars(6)
    np.savez(folder / "good.npz", features=FEATURES)
    np.savez(folder / "two.npz", left=FEATURES, right=FEATURES)
    np.savez(folder / "pictures.npz", images=pixels, labels=labels)
    save_pictures(folder / "pictures", pixels, labels)
    for name, array in {"wide": np.ones((6, 7)), "nan": wrong, "short": FEATURES[:4], "none": FEATURES[:0]}.items():
        np.save(folder / f"{name}.npy", array)
    texts = {
        "good": CAPTIONS, "empty": "", "some": CAPTIONS[:16], "silent": "0\ta cat\n1\t \n", "tabless": "0 a cat\n",
        "beyond": CAPTIONS + "6\ta cat\n", "below": "-1\ta cat\n", "named": "one\ta cat\n",
    }  # fmt: skip
    for name, text in texts.items():
        (folder / f"{name}.tsv").write_text(text)
    net = library.ConvNet(channels=(2,), hidden=()).fit(pixels, labels, steps=1, progress=False)
    net.save(folder / "net.safetensors")
    said = [line.split("\t")[1] for line in CAPTIONS.splitlines()]
    small = {"hidden_size": 3, "embedding_size": 2}
    fitting = {"steps": 1, "progress": False}
    library.Captioner(**small).fit(FEATURES, said, **fitting).save(folder / "speaker.safetensors")
    seeing = library.Captioner(**small, backend="numpy").fit(pixels, said, features=net, **fitting)
    seeing.save(folder / "seeing.safetensors")
    return folder


@pytest.fixture
def train(portnn, data, tmp_path, monkeypatch):
    """Train something small on files of these names."""
    monkeypatch.setattr("portnn.cli.caption.report.draw_curve", lambda *_, **__: (False, "not drawn"))
    monkeypatch.chdir(data)

    def call(*arguments):
        small = ("--hidden-size", 3, "--embedding-size", 2, "--steps", 2)
        return portnn("caption", "train", *arguments[:2], "--out", tmp_path / "run", *small, *arguments[2:])

    return call


@pytest.fixture
def ask(portnn, data, monkeypatch):
    """Let a command of the group read files of these names."""
    monkeypatch.chdir(data)
    return lambda *arguments: portnn("caption", *arguments)


@pytest.mark.parametrize(
    ("features", "captions", "message"),
    [
        ("nan.npy", "good.tsv", "nan.npy: row 4 has NaN or infinity"),
        ("none.npy", "good.tsv", "none.npy: features have no rows: their shape is (0, 5)"),
        ("nowhere.npz", "good.tsv", "nowhere.npz: No such file or directory"),
        (
            "two.npz",
            "good.tsv",
            "two.npz has no array 'features'; it has 'left', 'right'; say with --array which one is",
        ),
        ("good.tsv", "good.tsv", "good.tsv has the suffix '.tsv'; expected one of .npy, .npz, .safetensors"),
        ("pictures.npz", "good.tsv", "pictures.npz holds images, not features; --net CHECKPOINT trains through a"),
        ("pictures", "good.tsv", "pictures holds images, not features; --net CHECKPOINT trains through a network of"),
        ("good.npz", "nowhere.tsv", "nowhere.tsv: No such file or directory"),
        ("good.npz", "empty.tsv", "empty.tsv is empty; a line is the number of a row of the features, a tab, the"),
        ("good.npz", "silent.tsv", "silent.tsv: line 2 has no words"),
        ("good.npz", "tabless.tsv", "tabless.tsv: line 1 has no tab; a line is the number of a row of the features"),
        ("good.npz", "beyond.tsv", "beyond.tsv: line 7 names row 6, but good.npz has 6 rows, from 0"),
        ("short.npy", "good.tsv", "good.tsv: line 5 names row 4, but short.npy has 4 rows, from 0"),
        ("good.npz", "below.tsv", "below.tsv: line 1 is of row -1; rows of the features are numbered from 0"),
        ("good.npz", "named.tsv", "named.tsv: line 1 begins with 'one', which is not the number of a row"),
        ("good.npz", "some.tsv", "some.tsv: 4 of 6 images have no caption, such as rows 2, 3, 4, 5; --partial leaves"),
    ],
)
def test_files_that_cannot_be_learned(train, folder, features, captions, message) -> None:
    result = train(features, captions)
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith(message)
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--min-count", 9), "--min-count 9 drops all 5 words; the highest --min-count that keeps any is 4"),
        (("--max-vocab-size", 1), "one distinct word ('a') is left of 5; there is nothing to learn"),
        (("--hidden-size", 0), "--hidden-size must be a positive whole number, got 0"),
        (("--dropout", 1), "--dropout must be in [0, 1), got 1.0"),
        (("--held-out", 1), "--held-out must be in [0, 1), got 1.0"),
        (("--held-out", 0.99), "--held-out 0.99 leaves none of 6 rows to train on"),
        (("--cell", "tanh"), "unknown cell 'tanh'; known: gru, lstm, rnn"),
        (("--recipe", "best"), "unknown recipe 'best'; known: digits"),
        (("--array", "x"), "good.npz has no array 'x'; it has 'features'"),
        (("--net", "speaker.safetensors"), "speaker.safetensors is a checkpoint of Captioner, not of ConvNet"),
        (("--net", "nowhere"), "no checkpoint at nowhere"),
        (("--net", "net.safetensors"), "good.npz holds features, not images; without --net the model is trained on"),
    ],
)
def test_a_setting_that_makes_no_sense(train, folder, options, message) -> None:
    result = train("good.npz", "good.tsv", *options)
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith(message)
    assert not folder.path.exists()


def test_wrong_usage(portnn, folder) -> None:
    result = portnn("caption", "train", "good.npz", "--out", folder.path)
    assert result.status == 2
    assert "give a file of captions, too: portnn caption train features.npz captions.tsv" in result.err
    for option in (("--array", "x"), ("--encoding", "latin-1")):
        result = portnn("caption", "train", *option, "--out", folder.path)
        assert (result.status, f"{option[0]} says how to read a file, so give one too" in result.err) == (2, True)
    assert not folder.path.exists()


def test_a_network_that_is_not_of_digits(portnn, folder, data) -> None:
    net = data / "net.safetensors"
    result = portnn("caption", "train", "--net", net, "--out", folder.path)
    assert (result.status, result.out) == (1, "")
    assert result.message == (
        f"{net}: images have 8 x 8 pixels and 1 channel, but the model expects 6 x 6 pixels and 1 channel"
    )
    assert not folder.path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--beam", 0), "--beam must be a positive whole number, got 0"),
        (("--max-length", 0), "--max-length must be a positive whole number, got 0"),
        (("--length-penalty", -1), "--length-penalty must be 0 or a positive number, got -1.0"),
        (("--temperature", 1, "--beam", 2), "--beam follows the likeliest captions and --temperature draws them; give"),
        (("--top-k", 3), "--top-k chooses what is drawn from, so give --temperature, too"),
        (("--temperature", -1), "--temperature must be 0 or a positive number, got -1.0"),
    ],
)
def test_nothing_can_be_said_in_such_a_way(ask, options, message) -> None:
    result = ask("generate", "speaker.safetensors", "good.npz", *options)
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith(message)
    if options[0] in ("--beam", "--max-length"):
        assert ask("evaluate", "speaker.safetensors", "good.npz", "good.tsv", *options).message == result.message


@pytest.mark.parametrize("command", ["generate", "evaluate"])
@pytest.mark.parametrize(
    ("checkpoint", "features", "message"),
    [
        ("speaker", "wide.npy", "wide.npy: features have 7 entries, but the model expects 5; compute them with the"),
        ("speaker", "nan.npy", "nan.npy: row 4 has NaN or infinity"),
        ("speaker", "nowhere.npy", "nowhere.npy: No such file or directory"),
        ("speaker", "pictures.npz", "pictures.npz holds images, not features; the model was trained on features"),
        ("seeing", "good.npz", "good.npz holds features, not images; the model was trained through a network"),
        ("net", "good.npz", "net.safetensors is a checkpoint of ConvNet, not of Captioner"),
        ("nowhere", "good.npz", "no checkpoint at nowhere.safetensors"),
    ],
)
def test_rows_that_do_not_fit_the_model(ask, command, checkpoint, features, message) -> None:
    captions = ["good.tsv"] if command == "evaluate" else []
    result = ask(command, f"{checkpoint}.safetensors", features, *captions)
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith(message)


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        ("nowhere.tsv", "nowhere.tsv: No such file or directory"),
        ("empty.tsv", "empty.tsv is empty; "),
        ("silent.tsv", "silent.tsv: line 2 has no words"),
        ("tabless.tsv", "tabless.tsv: line 1 has no tab; "),
        ("beyond.tsv", "beyond.tsv: line 7 names row 6, but good.npz has 6 rows, from 0"),
    ],
)
def test_captions_that_cannot_be_measured(ask, captions, message) -> None:
    result = ask("evaluate", "speaker.safetensors", "good.npz", captions)
    assert (result.status, result.out) == (1, "")
    assert result.message.startswith(message)


def test_a_captioner_labels_no_images(portnn, data) -> None:
    checkpoint = data / "speaker.safetensors"
    result = portnn("conv", "predict", checkpoint, data / "pictures.npz")
    assert (result.status, result.message) == (1, f"{checkpoint} is a checkpoint of Captioner, not of ConvNet")


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        (("wide.npy", "good.tsv"), (), "wide.npy: features have 7 entries, but the run to resume has 5"),
        (("good.npz", "good.tsv"), ("--cell", "gru"), "cannot resume: the checkpoint has cell 'lstm', not 'gru'"),
        (("good.npz", "good.tsv"), ("--held-out", 0.2), "cannot resume: the checkpoint has --held-out 0.1, not 0.2"),
        (("good.npz", "good.tsv"), ("--overwrite",), None),
    ],
)
def test_resume_with_something_else(train, folder, files, options, message) -> None:
    assert train("good.npz", "good.tsv").status == 0
    before = folder.last.read_bytes()
    result = train(*files, "--resume", "--steps", 3, *options)
    assert (result.status, result.out) == (1 if message else 2, "")
    assert (message or "--resume continues a run, --overwrite replaces it") in result.err
    assert folder.last.read_bytes() == before
    assert "already holds a run: --resume it, --overwrite it, or name" in train("good.npz", "good.tsv").message
