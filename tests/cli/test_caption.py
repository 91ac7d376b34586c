"""`portnn caption`: train on features and through a network, let the model speak, measure it, go on."""

from __future__ import annotations

import json
import math
import os
import shlex
import signal
import subprocess
import sys

import numpy as np
import pytest

import portnn as library
from portnn.batches import CaptionBatches
from portnn.checkpoints import load_checkpoint
from portnn.datasets import captioned_digits, sentences_about
from portnn.images import CaptionFile, read_features
from portnn.tables import split_ids

from .bars import bars

pytestmark = pytest.mark.host

MAIN = (sys.executable, "-c", "from portnn.cli import main; main()")
SAYINGS = [["a cat", "a small cat"], ["a dog"], ["two birds in a tree"]] * 20
FEATURES = np.eye(3, 5, dtype=np.float32)[np.arange(60) % 3]
SMALL = ("--hidden-size", 12, "--embedding-size", 6, "--batch-size", 8, "--learning-rate", 0.03)


def write_captions(path, captions):
    lines = [f"{row}\t{caption}\n" for row, several in enumerate(captions) for caption in several]
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """features.npz and captions.tsv; pictures.npz, what.tsv and a network of such pictures."""
    folder = tmp_path_factory.mktemp("captions")
    np.savez(folder / "features.npz", features=FEATURES)
    write_captions(folder / "captions.tsv", SAYINGS)
    pixels, labels = bars(40)
    np.savez(folder / "pictures.npz", images=pixels, labels=labels)
    write_captions(folder / "what.tsv", [[f"a bright {label}"] for label in labels])
    net = library.ConvNet(channels=(3,), hidden=(4,), seed=1)
    net.fit(pixels, labels, epochs=30, batch_size=10, learning_rate=0.03, progress=False).save(
        folder / "net.safetensors"
    )
    return folder


@pytest.fixture(scope="module")
def speaker(data):
    """A captioner that has learned the sayings."""
    model = library.Captioner(hidden_size=16, embedding_size=8, seed=1)
    model.fit(FEATURES, SAYINGS, epochs=20, batch_size=8, learning_rate=0.02, progress=False)
    model.save(data / "speaker.safetensors")
    return data / "speaker.safetensors"


@pytest.fixture
def train(portnn, data, tmp_path, monkeypatch):
    """Train something small on the features, or on files that are given first, without drawing."""
    monkeypatch.setattr("portnn.cli.caption.report.draw_curve", lambda *_, **__: (False, "not drawn"))

    def call(*arguments):
        given = arguments and not str(arguments[0]).startswith("-")
        files = [] if given else [data / "features.npz", data / "captions.tsv"]
        return portnn("caption", "train", *files, "--out", tmp_path / "run", *SMALL, *arguments)

    return call


def reported(result):
    return dict(line.split(None, 1) for line in result.out.replace("loss curve", "loss_curve").splitlines())


def facts(folder):
    return load_checkpoint(folder.last)[1]


def test_train_generate_evaluate(train, portnn, folder, data, tmp_path) -> None:
    result = train("--epochs", 15)
    assert result.status == 0, result.err
    named = f"{data / 'features.npz'}, 60 rows of 5 features"
    assert f"lstm, 12 units, words of 6 entries on numpy (cpu, float32): {named}\n" in result.err
    assert f"{data / 'captions.tsv'}: 80 captions of 60 images" in result.err
    report = reported(result)
    # A tenth is held out unless that is said, so that there is a best checkpoint.
    assert "exact 1.0000" in report["learned"]
    assert report["learned"].endswith("on 6 held-out images, by which best.safetensors was chosen")
    assert "captions/s over" in report["speed"]
    assert list(report)[-2:] == ["generate", "evaluate"]
    said = portnn(*shlex.split(report["generate"])[1:])
    assert (said.status, said.err) == (0, "")
    lines = [line.split("\t") for line in said.out.splitlines()]
    assert [int(row) for row, _ in lines] == list(range(60))
    assert all(caption in SAYINGS[int(row)] for row, caption in lines)
    measured = portnn(*shlex.split(report["evaluate"])[1:])
    assert measured.out.startswith("loss ")
    assert measured.out.endswith(" on 60 images\n")
    (tmp_path / "said.tsv").write_text(said.out, encoding="utf-8")  # it is a captions file
    own = portnn("caption", "evaluate", folder.best, data / "features.npz", tmp_path / "said.tsv", "--beam", 5)
    assert "exact 1.0000" in own.out


def test_json_says_what_the_model_says(train, folder, data) -> None:
    found = json.loads(train("--json", "--epochs", 2).out)
    assert (found["images"], found["measured_on"], found["best_checkpoint"]) == (6, "held-out", str(folder.best))
    _, held = split_ids(60, 0.1, seed=0)
    measured = library.load(folder.best).evaluate(FEATURES[held], [SAYINGS[row] for row in held])
    assert found["loss"] == measured.loss
    assert found["perplexity"] == pytest.approx(math.exp(measured.loss))
    assert (found["exact"], found["captions"], found["test"]) == (measured.exact, measured.captions, None)
    assert shlex.split(found["evaluate_command"])[-3:] == [str(data / "captions.tsv"), "--beam", "5"]


def test_what_is_said(portnn, speaker, data) -> None:
    model, file = library.load(speaker), data / "features.npz"
    options = ("--beam", 3, "--length-penalty", 0.5)
    found = json.loads(portnn("caption", "generate", speaker, file, *options, "--json").out)
    expected = model.generate(FEATURES, beam=3, length_penalty=0.5)
    assert [(each["row"], each["caption"], each["ended"]) for each in found] == [
        (row, caption.text, caption.ended) for row, caption in enumerate(expected)
    ]
    assert [each["log_probability"] for each in found] == pytest.approx([each.log_probability for each in expected])
    drawn = portnn(
        "caption", "generate", speaker, file, "--temperature", 2, "--top-k", 4, "--seed", 3, "--max-length", 2
    )
    expected = model.generate(FEATURES, temperature=2.0, top_k=4, seed=3, max_length=2)
    assert drawn.out == "".join(f"{row}\t{caption}\n" for row, caption in enumerate(expected))
    cut = sum(not caption.ended for caption in expected)
    assert drawn.err == f"note: {cut} of 60 captions are cut at --max-length 2\n"
    seeded = portnn("caption", "generate", speaker, file, "--temperature", 1, "--seed", "none").err
    assert seeded.startswith("seed ")


def test_captions_come_block_by_block(portnn, speaker, data, monkeypatch) -> None:
    file = data / "features.npz"
    drawing = ("caption", "generate", speaker, file, "--temperature", 1)
    whole = portnn(*drawing).out
    monkeypatch.setattr("portnn.estimators.captioning.BEGINNINGS", 7)
    assert portnn(*drawing).out == whole
    assert len(json.loads(portnn(*drawing, "--json").out)) == 60
    sizes = [len(block) for block in library.load(speaker).caption_blocks(file)]
    assert sizes == [7] * 8 + [4]


def test_a_reader_that_has_enough(speaker, data) -> None:
    np.save(data / "many.npy", np.tile(FEATURES, (200, 1)))
    writing = subprocess.Popen(
        [*MAIN, "caption", "generate", str(speaker), str(data / "many.npy")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert writing.stdout is not None
    assert writing.stdout.readline().startswith(b"0\ta ")
    writing.stdout.close()
    assert writing.stderr is not None
    assert (writing.stderr.read(), writing.wait()) == (b"", 1)
    writing.stderr.close()


def test_how_well_images_are_captioned(portnn, speaker, data, tmp_path, monkeypatch) -> None:
    few = write_captions(tmp_path / "few.tsv", [["a dog", "a cat in a tree"], [], ["two birds in a tree"]])
    command = ("caption", "evaluate", speaker, data / "features.npz", few, "--beam", 2)
    result = portnn(*command, "--json")
    assert result.err.splitlines()[0] == "note: 58 of 60 images have no caption and are left out"
    measured = library.load(speaker).evaluate(FEATURES, few, beam=2)
    expected = {**measured._asdict(), "perplexity": pytest.approx(math.exp(measured.loss))}
    assert json.loads(result.out) == expected
    assert (measured.exact, measured.captions, measured.images) == (0.5, 3, 2)
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    result = portnn(*command)
    assert result.err.endswith('note: BLEU needs sacrebleu; python -m pip install "portnn[captions]"\n')
    assert "exact 0.5000 on 2 images\n" in result.out


def test_through_a_network(train, portnn, folder, data) -> None:
    files = (data / "pictures.npz", data / "what.tsv")
    result = train(*files, "--net", data / "net.safetensors", "--epochs", 15)
    assert result.status == 0, result.err
    assert "through a convolutional network on numpy (cpu, float32): " in result.err
    assert f"{files[0]}, 40 images of 6 x 6 x 1\n" in result.err
    report = reported(result)
    assert "exact 1.0000" in report["learned"]
    said = portnn(*shlex.split(report["generate"])[1:]).out.splitlines()
    assert said[:2] == ["0\ta bright column", "1\ta bright row"]
    assert "exact 1.0000" in portnn(*shlex.split(report["evaluate"])[1:]).out
    # A resumed run knows its network.
    assert train(*files, "--resume", "--epochs", 16).status == 0
    assert train(*files, "--resume", "--epochs", 17, "--net", data / "net.safetensors").status == 0
    refused = train(*files, "--resume", "--epochs", 18, "--hidden-size", 7)
    assert refused.message == "cannot resume: the checkpoint has --hidden-size 12, not 7"


def test_a_network_whose_channels_come_first(train, portnn, folder, tmp_path) -> None:
    pixels = np.random.default_rng(0).random((12, 2, 5, 6))
    np.savez(tmp_path / "x.npz", images=pixels, others=pixels)
    net = library.ConvNet(channels=(2,), hidden=(), channels_first=True).fit(
        pixels, [0, 1] * 6, steps=1, progress=False
    )
    net.save(tmp_path / "net.safetensors")
    captions = write_captions(tmp_path / "c.tsv", [["a dog", "a cat"]] * 12)
    result = train(
        tmp_path / "x.npz", captions, "--net", tmp_path / "net.safetensors", "--steps", 3, "--array", "others"
    )
    assert result.status == 0, result.err
    said = portnn(*shlex.split(reported(result)["generate"])[1:], "--json")
    expected = library.load(folder.best).generate(pixels, beam=5)
    assert [each["log_probability"] for each in json.loads(said.out)] == pytest.approx(
        [caption.log_probability for caption in expected]
    )


def test_without_files_it_learns_captioned_digits(train, portnn, folder, tmp_path, monkeypatch) -> None:
    found = captioned_digits(60, test_pictures=20)
    monkeypatch.setattr("portnn.cli.caption.digit_captions.captioned_digits", lambda *_, **__: found)
    pixels = np.random.default_rng(0).random((20, 8, 8))
    net = library.ConvNet(channels=(2,), hidden=(5,)).fit(pixels, [0, 1] * 10, steps=1, progress=False)
    net.save(tmp_path / "net.safetensors")
    arguments = ("caption", "train", "--net", tmp_path / "net.safetensors", "--out", folder.path, "--hidden-size", 8)
    result = portnn(*arguments, "--steps", 4)
    assert result.status == 0, result.err
    assert "recipe digits: cell lstm, embedding_size 32" in result.err
    assert "180 captions of 60 images" in result.err
    report = reported(result)
    assert report["tested"].endswith("on 20 test images, with every sentence that is true of each")
    commands = [shlex.split(report[name])[1:] for name in ("generate", "evaluate")]
    assert len(portnn(*commands[0]).out.splitlines()) == 20
    assert portnn(*commands[1]).out.endswith("on 20 images\n")
    cells = [net.features(found.test_images[:9, :, start : start + 8]) for start in (0, 8, 16)]
    features = read_features(folder.path / "test_features.npz")
    np.testing.assert_allclose(features[:9], np.concatenate(cells, axis=1), rtol=1e-5)
    said = [caption for _, row, caption in CaptionFile(folder.path / "test_captions.tsv").read() if row == 3]
    assert said == sentences_about(found.test_shown[3])
    again = portnn(*arguments[:2], "--out", folder.path, "--resume", "--steps", 5)  # its features are there
    assert (again.status, facts(folder)["run"]["step"]) == (0, 5), again.err


def test_every_setting_reaches_the_run(train, folder) -> None:
    options = {
        "cell": "gru", "num-layers": 2, "features-at": "every", "dropout": 0.1, "level": "space", "min-count": 2,
        "max-vocab-size": 9, "init-scale": 0.2, "seed": 3, "batch-size": 7, "clip-value": 0.5, "patience": 2,
        "schedule": "cosine", "steps": 4, "held-out": 0.2,
    }  # fmt: skip
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    result = train(*given, "--keep-case", "--partial", "--dtype", "float64")
    assert result.status == 0, result.err
    saved = facts(folder)
    found = {**saved["settings"], **saved["fit"]}
    del options["schedule"]
    assert {name: found[name.replace("-", "_")] for name in options} == options
    assert (found["lowercase"], found["partial"], saved["dtype"]) == (False, True, "float64")


def test_a_resumed_run_is_the_run_it_would_have_been(train, folder, monkeypatch) -> None:
    settings = ("--dropout", 0.2)
    train(*settings, "--steps", 12)
    whole = load_checkpoint(folder.last)[0]
    make_batch = CaptionBatches.at

    def strike(self, position):
        if position == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return make_batch(self, position)

    with monkeypatch.context() as patched:
        patched.setattr(CaptionBatches, "at", strike)
        result = train(*settings, "--steps", 12, "--overwrite")
    assert (result.status, result.out) == (130, "")
    assert result.message == "stopped by SIGINT after step 6; --resume continues from there"
    assert "resuming the run in" in train("--resume").err
    after = load_checkpoint(folder.last)[0]
    assert whole.keys() == after.keys()
    assert all(np.array_equal(whole[name], after[name]) for name in whole)


def test_images_without_captions(train, data, tmp_path) -> None:
    some = write_captions(tmp_path / "some.tsv", [said if row < 50 else [] for row, said in enumerate(SAYINGS)])
    found = json.loads(train(data / "features.npz", some, "--partial", "--steps", 2, "--json").out)
    _, held = split_ids(60, 0.1, seed=0)
    assert found["images"] == np.count_nonzero(held < 50)


def test_patience_ends_a_run_and_says_so(train, folder) -> None:
    result = train("--patience", 1, "--evaluate-every", 1, "--learning-rate", 0.5, "--epochs", 50)
    assert "ended       by --patience: no lower loss in the last 1 measurement; --resume with a larger" in result.out
    assert facts(folder)["run"]["step"] < facts(folder)["fit"]["steps"]
