"""`TextClassifier` on files: columns that are remembered, texts that are measured, what is counted."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import portnn
from portnn.tables import LabelledTexts

pytestmark = pytest.mark.host

REVIEWS = [("pos", "good film"), ("neg", "bad film"), ("neg", "not good"), ("pos", "not bad"), ("neg", "bad")] * 6
SMALL = {"hidden_size": 4, "embedding_size": 3}
RUN = {"epochs": 2.0, "batch_size": 4, "progress": False}


def write(path, rows, head=("verdict", "words", "number")):
    lines = ["\t".join((*row, str(number))) for number, row in enumerate(rows)]
    path.write_text("\n".join(["\t".join(head), *lines]) + "\n")
    return path


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "t.tsv", REVIEWS)


def test_a_path_is_read_like_the_file_trained_on(file, tmp_path) -> None:
    texts = LabelledTexts(file, text="words", label="verdict")
    model = portnn.TextClassifier(**SMALL).fit(texts, held_out=file, **RUN)
    expected = model.evaluate([text for _, text in REVIEWS], [label for label, _ in REVIEWS])
    assert model.evaluate(file) == expected
    model.save(tmp_path / "model.safetensors")
    again = portnn.load(tmp_path / "model.safetensors")
    assert again.layout == model.layout == texts.layout
    assert again.evaluate(file) == expected


def test_the_texts_of_a_run_can_be_measured_again() -> None:
    labels, texts = map(list, zip(*REVIEWS, strict=True))
    model = portnn.TextClassifier(**SMALL).fit(texts, labels, held_out=0.2, **RUN)
    training, held_out = (model.evaluators[name](model.params) for name in ("training", "held-out"))
    assert (training.rows, held_out.rows) == (24, 6)
    assert held_out.loss == pytest.approx(model.history.held_out_loss)
    whole = model.evaluate(texts, labels)
    assert (24 * training.loss + 6 * held_out.loss) / 30 == pytest.approx(whole.loss)
    assert (24 * training.score + 6 * held_out.score) / 30 == pytest.approx(whole.score)
    assert model.steps_per_epoch == 6
    assert list(portnn.TextClassifier(**SMALL).fit(texts, labels, **RUN).evaluators) == ["training"]
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.evaluators == {}
        assert twin.predict(texts).tolist() == model.predict(texts).tolist()


def test_confusion_has_a_row_for_each_true_label() -> None:
    labels, texts = map(list, zip(*REVIEWS, strict=True))
    model = portnn.TextClassifier(**SMALL).fit(texts, labels, **RUN)
    # The output of one label is raised, so that every text gets it.
    model.params = {**model.params, "output.bias": np.asarray([0.0, 99.0], np.float32)}
    assert model.confusion(texts, labels).tolist() == [[0, 18], [0, 12]]
    several = portnn.TextClassifier(**SMALL, multi_label=True)
    several.fit(texts, [[label] for label in labels], **RUN)
    several.params = {**several.params, "output.bias": np.asarray([-99.0, 99.0], np.float32)}
    counts = several.confusion(texts, [[label] for label in labels])
    assert counts.tolist() == [[[12, 0], [18, 0]], [[0, 18], [0, 12]]]


def test_a_file_of_single_labels_is_not_taken_for_one_of_several(file) -> None:
    texts = LabelledTexts(file, text="words", label="verdict")
    with pytest.raises(ValueError, match=r"t\.tsv is read with multi_label=False, but the model has True"):
        portnn.TextClassifier(**SMALL, multi_label=True).fit(texts, **RUN)


def test_tokens_are_those_that_are_read() -> None:
    labels, texts = map(list, zip(*REVIEWS, strict=True))
    model = portnn.TextClassifier(**SMALL, max_length=2).fit(texts, labels, **RUN)
    assert model.tokens("Not BAD, at all!") == ["not", "bad", ",", "at", "all", "!"]
    assert model.unknown_words(["Hmm BAD, at all!"]) == ["hmm"]  # of those that are read
