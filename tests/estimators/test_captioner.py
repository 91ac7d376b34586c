"""`Captioner`: what it learns, from what, beside a network of images, and what it says of bad input."""

from __future__ import annotations

import dataclasses
import pickle
import re

import array_api_strict
import numpy as np
import pytest
import safetensors.numpy
from numpy.testing import assert_allclose

import portnn
from portnn.backends import to_host
from portnn.estimators.caption_evaluation import CaptionEvaluator
from portnn.estimators.conv_net import ConvNet
from portnn.images import CaptionFile

from .examples import tables

SENTENCES = [["a red dog sleeps", "a dog sleeps"], ["two cats"], ["no bird in the tree"], ["two dogs", "two red dogs"]]
COUNT = 24
KINDS = np.arange(COUNT) % 4
FEATURES = np.eye(4)[KINDS] + 0.05 * np.random.default_rng(1).normal(size=(COUNT, 4))
CAPTIONS = [SENTENCES[kind] for kind in KINDS]
IMAGES = np.random.default_rng(2).integers(0, 60, (COUNT, 4, 4), dtype=np.uint8)
for _kind, _image in zip(KINDS, IMAGES, strict=True):
    _image[_kind // 2 * 2 : _kind // 2 * 2 + 2, _kind % 2 * 2 : _kind % 2 * 2 + 2] = 230
QUICK = {"progress": False, "epochs": 2, "batch_size": 8}
LEARNING = {"progress": False, "epochs": 40, "batch_size": 8, "learning_rate": 0.03}


def speaker(backend="numpy", **changes):
    settings = {"cell": "gru", "hidden_size": 12, "embedding_size": 5, "seed": 3, "dtype": "float64", **changes}
    return portnn.Captioner(**settings, backend=backend)


def values(model):
    return {name: np.array(to_host(array)) for name, array in model.params.items()}


def texts(captions):
    return [caption.text for caption in captions]


def write(path, captions=CAPTIONS):
    lines = [f"{row}\t{caption}\n" for row, several in enumerate(captions) for caption in several]
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("features_at", ["first", pytest.param("every", marks=pytest.mark.host)])
def test_it_says_of_each_image_what_it_learnt(backend32, features_at):
    model = speaker(backend32, dtype=None, features_at=features_at).fit(FEATURES, CAPTIONS, **LEARNING)
    for beam in (1, 3):
        said = model.generate(FEATURES, beam=beam)
        assert all(caption.text in several for caption, several in zip(said, CAPTIONS, strict=True))
        assert all(caption.ended and " ".join(caption.words) == str(caption) == caption.text for caption in said)
    assert model.evaluate(FEATURES, CAPTIONS).exact == 1.0


@pytest.mark.host
@pytest.mark.parametrize(("level", "text"), [("char", "ab ü"), ("byte", "ab ü"), ("jieba", "两只猫在树上")])
def test_words_of_every_level_make_their_text_again(level, text):
    model = speaker(level=level).fit(FEATURES, [text] * COUNT, **LEARNING)
    assert texts(model.generate(FEATURES[:2])) == [text] * 2
    assert model.evaluate(FEATURES, [text] * COUNT).exact == 1.0


@pytest.mark.parametrize("settings", [{"cell": "lstm", "num_layers": 2, "dropout": 0.2}, {"features_at": "every"}])
def test_every_library_trains_to_the_same_parameters_and_says_the_same(backend, settings):
    """From features of the host and its own; a library that compiles pads to other lengths."""
    right = speaker(**settings).fit(FEATURES, CAPTIONS, held_out=0.25, **QUICK)
    for given in (FEATURES, backend.asarray(FEATURES)):
        model = speaker(backend, **settings).fit(given, CAPTIONS, held_out=0.25, **QUICK)
        for name, array in values(model).items():
            assert_allclose(array, values(right)[name], rtol=1e-8, atol=1e-10, err_msg=name)
        assert_allclose(model.metrics[-1]["held_out_loss"], right.metrics[-1]["held_out_loss"], rtol=1e-8)
        for options in ({}, {"beam": 3}, {"temperature": 1.0, "seed": 5}):
            said, expected = model.generate(given, **options), right.generate(FEATURES, **options)
            assert texts(said) == texts(expected)
            found, wanted = ([caption.log_probability for caption in each] for each in (said, expected))
            assert_allclose(found, wanted, rtol=1e-7)
        assert_allclose(model.evaluate(given, CAPTIONS)[:2], right.evaluate(FEATURES, CAPTIONS)[:2], rtol=1e-8)


def test_it_follows_the_library_and_dtype_of_features(backend, backend32):
    for each in (backend, backend32):
        model = speaker(None, dtype=None).fit(each.asarray(FEATURES), CAPTIONS, **QUICK)
        assert (model.backend.name, model.backend.dtype) == (each.name, each.dtype)


@pytest.mark.parametrize("dtype", ["?", "i8", "f2", ">f4"])
def test_features_of_any_numbers(backend, dtype):
    given = np.eye(4)[KINDS].astype(dtype)
    right = speaker(backend).fit(given.astype(np.float64), CAPTIONS, **QUICK)
    model = speaker(backend).fit(given, CAPTIONS, **QUICK)
    assert tables(model) == tables(right)
    assert texts(model.generate(given)) == texts(right.generate(given))


@pytest.mark.host
def test_files_give_the_model_that_lists_and_arrays_give(tmp_path, monkeypatch):
    path, features = write(tmp_path / "c.tsv"), FEATURES.astype(np.float32)
    right = speaker().fit(features, CAPTIONS, held_out=0.25, **QUICK)
    np.save(tmp_path / "f.npy", features)
    np.savez(tmp_path / "f.npz", features=features, labels=KINDS)
    safetensors.numpy.save_file({"features": features}, tmp_path / "f.safetensors")
    for name in ("f.npy", "f.npz", "f.safetensors"):
        model = speaker().fit(tmp_path / name, path, held_out=0.25, **QUICK)
        assert tables(model) == tables(right)
        assert model.generate(str(tmp_path / name)) == right.generate(features)
        assert model.evaluate(tmp_path / name, path) == right.evaluate(features, CAPTIONS)
    assert tables(speaker().fit(features, CaptionFile(path), held_out=0.25, **QUICK)) == tables(right)
    monkeypatch.setattr("portnn.estimators.caption_corpus.MEMORY_LIMIT", 0)
    monkeypatch.setattr("portnn.estimators.caption_corpus.PIECE", 7)
    assert tables(speaker().fit(tmp_path / "f.npy", path, held_out=0.25, **QUICK)) == tables(right)
    apart = speaker().fit(features, path, held_out=(tmp_path / "f.npy", path), **QUICK)
    assert apart.metrics[-1]["held_out_loss"] == pytest.approx(apart.evaluate(features, path).loss, rel=1e-12)


@pytest.mark.host
def test_held_out_images_are_held_out_with_all_their_captions(monkeypatch):
    """Images that are trained on are not measured, and all are one or the other."""
    used = []
    batches, evaluator = (f"portnn.estimators.captioner.{name}" for name in ("CaptionBatches", "CaptionEvaluator"))
    makes, measures = portnn.batches.CaptionBatches, CaptionEvaluator

    def make(features, rows, *arrays, **options):
        used.append(options["chosen"](np.arange(options["count"])))
        return makes(features, rows, *arrays, **options)

    def measure(model, backend, features, corpus, chosen):
        used.append(chosen)
        return measures(model, backend, features, corpus, chosen)

    monkeypatch.setattr(batches, make)
    monkeypatch.setattr(evaluator, measure)
    model = speaker().fit(FEATURES, CAPTIONS, held_out=0.25, **QUICK)
    held, trained = used
    rows = np.repeat(np.arange(COUNT), [len(several) for several in CAPTIONS])
    assert sorted([*trained, *held]) == list(range(len(rows)))
    assert not {*rows[trained]} & {*rows[held]}
    assert len({*rows[held]}) == COUNT // 4
    only = [several if row in rows[held] else [] for row, several in enumerate(CAPTIONS)]
    assert model.metrics[-1]["held_out_loss"] == pytest.approx(model.evaluate(FEATURES, only).loss, rel=1e-12)


@pytest.mark.host
def test_with_patience_the_best_parameters_are_kept():
    captions = [CAPTIONS[k] for k in np.random.default_rng(3).permutation(COUNT)]  # there is nothing to learn
    apart = (FEATURES[:8], captions[:8])
    run = {**LEARNING, "epochs": 30, "learning_rate": 0.05, "held_out": apart, "evaluate_every": 4}
    model = speaker().fit(FEATURES[8:], captions[8:], patience=3, **run)
    losses = [line["held_out_loss"] for line in model.metrics if line["held_out_loss"] is not None]
    assert losses[-1] > min(losses) + 1e-3
    assert model.evaluate(*apart).loss == pytest.approx(min(losses), rel=1e-12)


@pytest.mark.host
def test_a_model_is_saved_loaded_and_pickled_with_its_words(tmp_path):
    net = ConvNet(channels=(2,), hidden=(5,), batch_norm=True, standardize=True, seed=1)
    net.fit(IMAGES, KINDS, **QUICK)
    for given, features in ((FEATURES, None), (IMAGES, net)):
        model = speaker(num_layers=2).fit(given, CAPTIONS, features=features, **QUICK)
        model.save(tmp_path / "m.safetensors")
        for twin in (portnn.load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model))):
            assert twin.generate(given, beam=2) == model.generate(given, beam=2)
            assert twin.evaluate(given, CAPTIONS) == model.evaluate(given, CAPTIONS)
            assert twin.vocabulary.words == model.vocabulary.words
            further = twin.fit(given, CAPTIONS, **QUICK)
            assert tables(further) == tables(pickle.loads(pickle.dumps(model)).fit(given, CAPTIONS, **QUICK))


def test_a_network_trained_along_does_better_than_one_left_alone(backend):
    """And its own features are no longer those of the network that it took over, which stays as it was."""
    settings = {"channels": (3,), "hidden": (2,), "standardize": True, "activation": "tanh", "seed": 1}
    net = ConvNet(**settings, backend=backend, dtype="float64").fit(IMAGES, KINDS, progress=False, steps=1)
    before, features = tables(net), net.features(IMAGES)
    run = {**LEARNING, "epochs": 15}
    alone = speaker(backend).fit(features, CAPTIONS, **run)
    together = speaker(backend).fit(IMAGES, CAPTIONS, features=net, **run)
    losses = [alone.evaluate(features, CAPTIONS).loss, together.evaluate(IMAGES, CAPTIONS).loss]
    assert losses[1] < losses[0] - 0.1
    assert tables(net) == before
    changed = together.features(IMAGES)
    assert changed.shape == (COUNT, 2)
    assert np.abs(changed - features).max() > 0.1
    plain = speaker(backend).fit(IMAGES, CAPTIONS, features=net, **{**run, "learning_rate": 1e-12})
    assert_allclose(plain.features(IMAGES), features, rtol=1e-6, atol=1e-8)
    with pytest.raises(ValueError, match="has no encoder to compute others"):
        alone.features(IMAGES)


@pytest.mark.host
def test_images_of_bytes_are_trained_on_in_float32_as_by_their_network():
    net = ConvNet(channels=(2,), hidden=(5,), seed=1).fit(IMAGES, KINDS, **QUICK)
    model = speaker(None, dtype=None).fit(IMAGES, CAPTIONS, features=net, **QUICK)
    assert model.backend == dataclasses.replace(net.backend)
    assert model.features(IMAGES).dtype == np.float32


@pytest.mark.host
def test_rare_words_are_unknown_and_never_said():
    captions = [["a dog", f"a rare{row}"] for row in range(COUNT)]
    model = speaker(min_count=2).fit(FEATURES, captions, **LEARNING)
    assert sorted(model.vocabulary.words) == ["a", "dog"]
    said = [model.generate(FEATURES, **how) for how in ({}, {"beam": 4}, {"temperature": 2.0})]
    assert {word for each in said for caption in each for word in caption.words} == {"a", "dog"}


WRONG = {
    "fewer captions": ((FEATURES, CAPTIONS[:3]), {}, ValueError, "there are captions for 3 images, but the features "
        "have 24 rows"),
    "an image without": ((FEATURES, [[], *CAPTIONS[1:]]), {}, ValueError, "the captions given: 1 of 24 images have no "
        "caption, such as rows 0; `partial` leaves them out"),
    "all without": ((FEATURES, [[]] * COUNT), {"partial": True}, ValueError, "corpus is empty: it has no words"),
    "no list": ((FEATURES, 7), {}, TypeError, "captions is int, expected a str or a list of str for each image, or a "
        "path"),
    "none": ((FEATURES, None), {}, TypeError, "there are no captions: give a str or a list of str for each image, or a "
        "path"),
    "no str": ((FEATURES, [["a", 5], *CAPTIONS[1:]]), {}, TypeError, "each caption must be a str, got int 5 for image "
        "0"),
    "empty": ((FEATURES, [*CAPTIONS[:-1], ["a", " "]]), {}, ValueError, "the caption of image 23 has no words"),
    "empty, held out": ((FEATURES, CAPTIONS), {"held_out": (FEATURES[:2], ["a", ""])}, ValueError, "the caption of "
        "image 1 has no words"),
    "nothing held out": ((FEATURES, CAPTIONS), {"held_out": (FEATURES[:2], [[], []])}, ValueError, "the captions "
        "given: there are no captions"),
    "held out of another width": ((FEATURES, CAPTIONS), {"held_out": (FEATURES[:, 1:], CAPTIONS)}, ValueError,
        "features have 3 entries, but the model expects 4"),
    "NaN": ((np.where(np.arange(COUNT)[:, None] == 5, np.nan, FEATURES), CAPTIONS), {}, ValueError, "features of image "
        "5 have NaN or infinity"),
    "one axis": ((FEATURES[0], CAPTIONS), {}, ValueError, "features have shape (4,), expected (images, features)"),
    "images": ((IMAGES, CAPTIONS), {}, ValueError, "features have shape (24, 4, 4), expected (images, features); "
        "images need a ConvNet: fit(images, captions, features=net)"),
    "no network": ((IMAGES, CAPTIONS), {"features": 3}, TypeError, "features must be a ConvNet, got int"),
    "new network": ((IMAGES, CAPTIONS), {"features": ConvNet()}, ValueError, "this ConvNet has not been fitted yet; "
        "call fit, or portnn.load a checkpoint"),
}  # fmt: skip


@pytest.mark.host
@pytest.mark.parametrize(("data", "options", "kind", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_learnt(data, options, kind, message):
    model = speaker()
    with pytest.raises(kind, match=f"^{re.escape(message)}$") as caught:
        model.fit(*data, **QUICK, **options)
    assert "\n" not in str(caught.value)
    assert (model.params, model.vocabulary, model.image_input) == (None, None, None)


@pytest.mark.host
def test_what_a_fitted_model_refuses(tmp_path):
    model = speaker().fit(FEATURES, CAPTIONS, **QUICK)
    net = ConvNet(channels=(2,), hidden=(4,), seed=1).fit(IMAGES, KINDS, **QUICK)
    path = write(tmp_path / "c.tsv", [*CAPTIONS, ["a dog"]])
    strange = array_api_strict.asarray(FEATURES)
    for call, message in (
        (lambda: model.fit(FEATURES, [""] * COUNT, **QUICK), "the caption of image 0 has no words"),
        (lambda: model.generate(FEATURES[:, :3]), "features have 3 entries, but the model expects 4"),
        (lambda: model.generate(strange), "the features belong to array-api-strict, but the model to numpy; `to`"),
        (lambda: model.evaluate(FEATURES, [[]] * COUNT), "the captions given: there are no captions"),
        (lambda: model.evaluate(FEATURES, path), f"{path}: line 37 names row 24, but the features have 24 rows, from"),
        (lambda: model.fit(IMAGES, CAPTIONS, features=net, **QUICK), "this Captioner has been fitted; another network"),
        (lambda: model.generate(FEATURES, beam=0), "beam must be a positive whole number, got 0"),
        (lambda: model.generate(FEATURES, beam=2, temperature=1.0), "a beam follows the likeliest captions and a tem"),
        (lambda: model.generate(FEATURES, top_k=2), "top_k chooses what is drawn from, so give a temperature, too"),
        (lambda: model.generate(FEATURES, max_length=0), "max_length must be a positive whole number, got 0"),
    ):
        with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}"):
            call()


@pytest.mark.host
@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
def test_images_for_an_encoder_may_be_a_file(tmp_path, first) -> None:
    images = np.random.default_rng(0).random((8, 2, 4, 5) if first else (8, 4, 5, 2)).astype(np.float32)
    np.savez(tmp_path / "images.npz", images=images)
    net = portnn.ConvNet(channels=(3,), hidden=(4,), channels_first=first).fit(
        images, [0, 1] * 4, steps=2, progress=False
    )
    options = {"features": net, "steps": 3, "batch_size": 4, "progress": False}
    given, read = (
        portnn.Captioner(hidden_size=4, embedding_size=3).fit(source, ["a cat", "a dog"] * 4, **options)
        for source in (images, tmp_path / "images.npz")
    )
    assert all(np.array_equal(given.params[name], read.params[name]) for name in given.params)
    assert read.generate(images) == read.generate(tmp_path / "images.npz")
    assert np.array_equal(read.features(images), read.features(str(tmp_path / "images.npz")))
