"""Training cases: every model in every architecture that has its own code, and batches for it, from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import (
    Array,
    Backend,
    Namespace,
    RowGradient,
    backend,
    scatter_add,
    tree_flatten,
    tree_map,
    tree_unflatten,
)
from portnn.batches import (
    Batches,
    CaptionBatches,
    ChunkStreams,
    RowBatches,
    SequenceBatches,
    WindowBatches,
    WindowSettings,
)
from portnn.checking.gradients import Checked
from portnn.models import (
    CaptionBatch,
    FeedForward,
    ImageClassifier,
    Model,
    Parameters,
    RecurrentDecoder,
    RecurrentLM,
    RowBatch,
    SequenceClassifier,
    WordVectors,
)
from portnn.objectives import OBJECTIVES
from portnn.ops import ACTIVATIONS, CELLS, POOLINGS

Arrays = dict[str, Any]


Sampling = Callable[[Parameters, Any, Backend], Callable[[], Any]]
"""Makes a step that draws the next id, from parameters and a batch on a backend."""


class TrainingCase(NamedTuple):
    """A model and batches for the parity of training runs; `batches` makes fresh ones each time.

    `sampling` is there if ids are drawn from the model one by one.
    """

    name: str
    model: Model
    batches: Callable[[], Batches]
    sampling: Sampling | None = None


Cases = Callable[[], Iterator[TrainingCase]]

MODEL_CASES: dict[type, Cases] = {}
"""Every model, and its training cases. Gradient check, parity, kernels and signatures go through them."""


def cases_of(model: type) -> Callable[[Cases], Cases]:
    """Add training cases of a model: every architecture that has its own code, small, from a seed."""

    def add(cases: Cases) -> Cases:
        MODEL_CASES[model] = cases
        return cases

    return add


def training_cases() -> Iterator[TrainingCase]:
    """Cases of every model."""
    for cases in MODEL_CASES.values():
        yield from cases()


@cases_of(RecurrentLM)
def _language_cases() -> Iterator[TrainingCase]:
    # Each id is one or two above the last: with random ids there is nothing to learn, and runs hardly differ.
    ids = np.cumsum(np.random.default_rng(3).integers(1, 3, 400)) % 5
    for cell in CELLS:
        model = RecurrentLM(5, cell, hidden_size=3, num_layers=2, dropout=0.25)

        def batches(model: RecurrentLM = model) -> ChunkStreams:
            return ChunkStreams(ids, batch_size=4, seq_length=4, layers=2, hidden_size=3, dropout=model.dropout)

        def sampling(params: Parameters, _: Any, on: Backend, model: RecurrentLM = model) -> Callable[[], Any]:
            ids, before = on.asarray(np.asarray([1])), tree_map(on.asarray, model.initial_carry(1))
            step = model.stepper(params, ids, before, xp=on.xp)
            return lambda: step(ids, before)

        yield TrainingCase(f"RecurrentLM {cell}", model, batches, sampling)


@cases_of(FeedForward)
def _feed_forward_cases() -> Iterator[TrainingCase]:
    for activation in ACTIVATIONS:
        yield _rows_case(activation, FeedForward((2, 5, 4, 3), activation, l2=0.01, dropout=0.25))
    for objective in OBJECTIVES:
        yield _rows_case(objective, FeedForward((2, 3), objective=objective, l2=0.01), weighted=True)


@cases_of(WordVectors)
def _word_vector_cases() -> Iterator[TrainingCase]:
    for negative in (3, 0):
        for name, sg, mean in (("skip-gram", True, True), ("CBOW", False, True), ("CBOW sum", False, False)):
            yield _words_case(name, negative, sg=sg, cbow_mean=mean)


@cases_of(SequenceClassifier)
def _classifier_cases() -> Iterator[TrainingCase]:
    for cell in CELLS:
        yield _sequences_case(cell, cell=cell, embedding_size=3)
    yield _sequences_case("stack", cell="rnn", embedding_size=3, num_layers=2, bidirectional=True, dropout=0.25)
    for pooling in POOLINGS:
        yield _sequences_case(f"one-hot, {pooling}", cell="rnn", pooling=pooling, dropout=0.25)
    yield _sequences_case("frozen", cell="rnn", embedding_size=3, frozen_embedding=True)
    yield _sequences_case("whole table", cell="rnn", embedding_size=3, rows_at_a_time=False)
    yield _sequences_case("several labels", cell="rnn", embedding_size=3, objective="binary_cross_entropy")


@cases_of(ImageClassifier)
def _image_cases() -> Iterator[TrainingCase]:
    yield _images_case("max", dropout=0.25, l2=0.01)
    yield _images_case("mean, rbf", channels=(3,), pooling="mean", activation="rbf", padding="valid", kernel=2)
    yield _images_case("batch norm", batch_norm=True, global_pooling=True, activation="tanh", l2=0.01)
    yield _images_case("no pool", channels=(3,), pool=1, hidden=(), objective="binary_cross_entropy")


@cases_of(RecurrentDecoder)
def _decoder_cases() -> Iterator[TrainingCase]:
    for cell in CELLS:
        yield _captions_case(cell, cell=cell)
    yield _captions_case("every step", cell="rnn", features_at="every", num_layers=2, dropout=0.25)
    encoder = ImageClassifier(image_shape=(4, 6, 2), channels=(3,), batch_norm=True, outputs=3)
    yield _captions_case("encoder", cell="rnn", encoder=encoder)


def as_function(training: TrainingCase, rng: np.random.Generator) -> tuple[Checked, Arrays]:
    """Loss of a model on one batch, from a carry that is not zero, as a function that can be checked."""
    model = training.model
    batches = training.batches()
    params = {name: rng.normal(size=shape) * 0.5 for name, shape in model.shapes().items()}
    batch = batches.at(0).data
    still = model.initial_carry(batches.batch_size)
    constants = dict(tree_flatten(batch, "batch"))
    constants |= {path: rng.normal(size=array.shape) for path, array in tree_flatten(still, "carry")}

    def function(arrays: Arrays, *, xp: Namespace) -> tuple[Array, Arrays]:
        placed, carry = tree_unflatten(arrays, batch, "batch"), tree_unflatten(arrays, still, "carry")
        loss, _, cache = model.loss({name: arrays[name] for name in params}, placed, carry, xp=xp)
        grads = model.gradients(cache, xp=xp)
        return loss, {name: whole(grad, arrays[name], xp) for name, grad in grads.items()}

    def whole(grad: Any, param: Array, xp: Namespace) -> Array:
        return scatter_add(xp.zeros_like(param), *grad, xp=xp) if isinstance(grad, RowGradient) else grad

    return function, {**params, **constants}


def _rows_case(name: str, model: FeedForward, *, weighted: bool = False) -> TrainingCase:
    """Case of a feed-forward model on points whose class is the sector they lie in."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(20, 2))
    sectors = np.floor((np.arctan2(x[:, 1], x[:, 0]) / np.pi + 1.0) * 1.5).astype(np.int64) % 3
    one_class = OBJECTIVES[model.objective].label.class_count(3) is not None
    targets = sectors if one_class else np.eye(3)[sectors]
    rows = RowBatch(x, targets, rng.integers(0, 3, 20).astype(np.float64) if weighted else None)

    def batches() -> RowBatches:
        host = backend("numpy", dtype="float64")
        return RowBatches(rows, host, batch_size=8, hidden_sizes=model.masks, dropout=model.dropout)

    return TrainingCase(f"FeedForward {name}", model, batches)


def _images_case(name: str, **settings: Any) -> TrainingCase:
    """Case of a classifier of pictures by the third of the picture in which they are bright."""
    rng = np.random.default_rng(6)
    thirds = np.arange(18) % 3
    x = rng.normal(size=(18, 4, 6, 2)) * 0.5
    for picture, third in zip(x, thirds, strict=True):
        picture[:, 2 * third : 2 * third + 2] += 1.0
    chosen = {"channels": (3, 2), "hidden": (4,), "outputs": 3, **settings}
    model = ImageClassifier(image_shape=(4, 6, 2), **chosen)
    rows = RowBatch(x, thirds if model.objective == "cross_entropy" else np.eye(3)[thirds])

    def batches() -> RowBatches:
        host = backend("numpy", dtype="float64")
        return RowBatches(rows, host, batch_size=6, hidden_sizes=model.masks, dropout=model.dropout)

    return TrainingCase(f"ImageClassifier {name}", model, batches)


def _captions_case(name: str, **settings: Any) -> TrainingCase:
    """Case of a decoder of features, or pictures, that say which ids follow."""
    rng = np.random.default_rng(12)
    thirds = np.arange(9) % 3
    lengths = np.asarray([1, 3, 2] * 3)
    ids = np.concatenate([(third + np.arange(length)) % 4 for third, length in zip(thirds, lengths, strict=True)])
    encoder = settings.get("encoder")
    shape = (4,) if encoder is None else encoder.image_shape
    features = rng.normal(size=(9, *shape)) + thirds.reshape(-1, *[1] * len(shape))
    size = 4 if encoder is None else encoder.feature_size
    model = RecurrentDecoder(vocabulary_size=6, feature_size=size, hidden_size=3, embedding_size=2, **settings)

    def batches() -> CaptionBatches:
        masks: dict[str, Any] = {"masks": model.masks, "dropout": model.dropout}
        ends = np.cumsum(lengths)
        return CaptionBatches(features, np.arange(9), ids, ends, boundary=model.boundary, batch_size=4, **masks)

    def sampling(params: Parameters, batch: CaptionBatch, on: Backend) -> Callable[[], Any]:
        ids, (states, added) = on.asarray(np.asarray([1])), model.start(params, batch.features[:1, ...], xp=on.xp)
        step = model.stepper(params, ids, states, xp=on.xp)
        return lambda: step(ids, states, added)

    return TrainingCase(f"RecurrentDecoder {name}", model, batches, sampling)


def _sequences_case(name: str, **settings: Any) -> TrainingCase:
    """Case of a classifier of sequences of ids by the largest of them, of which some count more than others."""
    rng = np.random.default_rng(8)
    lengths = np.asarray([1, 3, 2, 3, 3, 1, 3, 2, 2])
    ids = rng.integers(0, 6, lengths.sum()).astype(np.uint8)
    ends = np.cumsum(lengths)
    targets = np.asarray([ids[end - length : end].max() // 2 for end, length in zip(ends, lengths, strict=True)])
    model = SequenceClassifier(6, 3, hidden_size=2, **settings)
    if model.objective == "binary_cross_entropy":
        targets = np.eye(3)[targets]
    weights = rng.integers(1, 4, 9).astype(np.float64)

    def batches() -> SequenceBatches:
        masks: dict[str, Any] = {"masks": model.masks, "dropout": model.dropout}
        return SequenceBatches(ids, ends, targets, weights, batch_size=4, unknown_id=5, word_dropout=0.1, **masks)

    return TrainingCase(f"SequenceClassifier {name}", model, batches)


def _words_case(name: str, negative: int, *, sg: bool, cbow_mean: bool) -> TrainingCase:
    """Case of word vectors on sentences whose words are also near each other in the vocabulary."""
    rng = np.random.default_rng(9)
    sentences = (rng.integers(0, 7, (40, 1)) + rng.integers(0, 3, (40, 6))) % 7
    ids = np.concatenate((sentences, np.full((40, 1), 7)), axis=1).reshape(-1).astype(np.uint8)
    model = WordVectors(7, 4, 2, sg=sg, negative=negative > 0, cbow_mean=cbow_mean)
    settings = WindowSettings(window=2, sg=sg, negative=negative, sample=0.1, block_size=5, shared_negatives=6)

    def batches() -> WindowBatches:
        return WindowBatches(ids, np.bincount(ids)[:7], 240, settings, batch_size=24)

    return TrainingCase(f"WordVectors {name}, {'negative sampling' if negative else 'softmax'}", model, batches)
