"""`Captioner`: a recurrent network that says what features of an image mean, word by word."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np

from portnn.backends import Array, Backend, generator, seed_of, tree_map
from portnn.batches import CaptionBatches, HostTable
from portnn.estimators.caption_corpus import CaptionCorpus
from portnn.estimators.caption_evaluation import MULTIPLE, CaptionEvaluator
from portnn.estimators.caption_model import CaptionModel
from portnn.estimators.captioner_settings import CaptionerRun, CaptionerSettings
from portnn.estimators.conv_net import ConvNet
from portnn.estimators.data_facts import DataFacts, digest_of
from portnn.estimators.estimator import Recipe, as_backend
from portnn.estimators.feature_placing import place_features
from portnn.estimators.given_captions import as_captions
from portnn.estimators.image_input import ImageInput
from portnn.estimators.run_settings import RunSettings
from portnn.estimators.running import Saved, Task, run
from portnn.estimators.word_corpus import saved_vocabulary
from portnn.images import LabelledImages, read_features
from portnn.images.placing import is_whole
from portnn.models import ImageClassifier, RecurrentDecoder
from portnn.models.recurrent_decoder import ENCODER
from portnn.ops import CELLS
from portnn.settings import Settings, caption_call, documented, settings_call
from portnn.tables.holding_out import split_ids
from portnn.tables.placing import backend_for
from portnn.text import WordVocabulary
from portnn.training import Reading, say


@documented(CaptionerSettings)
class Captioner(CaptionModel):
    """Recurrent captioner over features of images: a vector in, a sentence out.

    Parameters
    ----------
    {settings}

    Attributes
    ----------
    model : RecurrentDecoder
        The network's configuration, once features and words are known.
    params : dict of str to array
        Its parameters, on the backend. The last rows of ``embedding.weight`` are those of unknown words and of the
        boundary before and after a caption.
    vocabulary : WordVocabulary
    image_input : ImageInput or None
        How images are given to the encoder, if the model has one.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> v = np.eye(3)[np.arange(24) % 3]
    >>> captions = [["a cat", "a small cat"], ["a dog"], ["two birds in a tree"]] * 8
    >>> speaker = portnn.Captioner(hidden_size=16, embedding_size=8, seed=1)
    >>> speaker = speaker.fit(v, captions, epochs=60, batch_size=8, learning_rate=0.02, progress=False)
    >>> [str(caption) for caption in speaker.generate(v[1:3])]
    ['a dog', 'two birds in a tree']
    """

    SETTINGS: ClassVar[type[Settings]] = CaptionerSettings
    RUN: ClassVar[type[RunSettings]] = CaptionerRun
    RECIPES: ClassVar[dict[str, Recipe]] = {
        "digits": Recipe(
            {"cell": "lstm", "hidden_size": 128, "embedding_size": 32, "dropout": 0.2},
            {"batch_size": 32, "learning_rate": 3e-3, "epochs": 15.0, "schedule": "cosine"},
        ),
    }

    @settings_call(CaptionerSettings)
    def __init__(self, settings: CaptionerSettings) -> None:
        backend = None
        if settings.backend is not None:
            backend = as_backend(settings.backend, settings.device, settings.dtype or "float32")
        self._begin(settings, backend)

    @caption_call(CaptionerRun)
    def fit(self, v: Any, captions: Any = None, *, settings: CaptionerRun) -> Self:
        """Train. A model that has been fitted is trained further, with the words that it knows.

        Parameters
        ----------
        v : array (images, features), or path
            Features of any array library, which is followed; NumPy's stay on the host, and batches are moved. A path
            is that of a file .npy, .npz or .safetensors, which may be larger than memory. With a `ConvNet` as
            `features`, the images themselves.
        captions : list of str, list of lists of str, or path
            A caption, or several, of each image; or the path of a file with a line for each caption: the number of its
            row, from 0, a tab, and the words.
        {settings}

        Returns
        -------
        Captioner
            Itself. With `patience` and held-out images it has the best parameters of the run, else the last.

        Raises
        ------
        TypeError
            If features are of another library than the model, or a caption is no str.
        ValueError
            If features and captions do not fit, a caption has no words, a setting is out of range, or a checkpoint
            does not fit.
        DivergenceError
            If the loss is not finite or explodes. The model is then as it was before.
        """
        run(self, settings, lambda saved, group: self._task(v, captions, settings, saved))
        return self

    def _task(self, v: Any, captions: Any, settings: CaptionerRun, saved: Saved | None) -> Task:
        chosen, seed = self.settings, seed_of(self.settings.seed)
        encoder, image_input, net_params = self._encoder(settings.features)
        given = _opened(v, image_input)
        pixels = given.images if isinstance(given, LabelledImages) else given
        backend = self._backend_of(pixels)
        if self.backend is None and chosen.dtype is None and image_input is not None and is_whole(pixels):
            backend = replace(backend, dtype="float32")
        features = self._placed(given, backend, image_input)
        count = int(features.shape[0])
        source = as_captions(captions)
        known = self.vocabulary if saved is None else saved_vocabulary(saved[0])
        passes = 1 if known is not None else 2
        reader = self._reader
        size = None if source.size is None else passes * source.size
        with Reading(source.name, size, quiet=not settings.progress) as bar:
            vocabulary = known or reader.learn(source, bar.advance)
            corpus = reader.encode(
                source,
                vocabulary,
                count,
                partial=settings.partial,
                about="the features have",
                advance=bar.advance,
            )
        model = self.model or self._network(len(vocabulary) + 2, features, encoder)
        params = self.params
        if params is None:
            first = {**model.init(generator(seed), chosen.init_scale), **net_params}
            params = tree_map(backend.asarray, first)
        if settings.progress:
            _report(corpus, vocabulary, count)
        fraction = settings.held_out if isinstance(settings.held_out, float) else 0.0
        train_rows, held_rows = split_ids(count, fraction, seed=seed)
        training = _about(corpus, train_rows, count)
        if not len(training):
            raise ValueError(f"held_out is {fraction}, which leaves no caption to train on")
        evaluator, digest = None, None
        if fraction:
            held = _about(corpus, held_rows, count)
            evaluator = CaptionEvaluator(model, backend, features, corpus, held) if len(held) else None
        elif not isinstance(settings.held_out, float):
            others, said = settings.held_out[:2]
            placed = self._placed(_opened(others, image_input), backend, image_input, model)
            measured = reader.encode(
                as_captions(said), vocabulary, int(placed.shape[0]), partial=True, about="the held-out features have"
            )
            evaluator = CaptionEvaluator(model, backend, placed, measured)
            digest = digest_of((placed,), measured.digest())
        batches = CaptionBatches(
            features,
            corpus.rows,
            corpus.texts.ids,
            corpus.texts.ends,
            boundary=model.boundary,
            backend=backend,
            chosen=training.take,
            count=len(training),
            batch_size=settings.batch_size,
            masks=model.masks,
            dropout=model.dropout,
            multiple=MULTIPLE if backend.library.compiles else 1,
            seed=seed,
            release=corpus.texts.release,
        )
        return Task(
            model=model,
            batches=batches,
            params=params,
            backend=backend,
            data=DataFacts(
                "data", corpus.name, len(corpus.rows), "captions", digest_of((features,), corpus.digest()), digest
            ),
            held_out=evaluator,
            attributes={"vocabulary": vocabulary, "image_input": image_input},
            settled={"batch_size": batches.batch_size, "held_out": fraction},
            width=len(CELLS[model.cell].gates) * model.hidden_size * model.num_layers,
        )

    def _encoder(self, net: Any) -> tuple[ImageClassifier | None, ImageInput | None, dict[str, Any]]:
        """Network that is trained along, how it is given images, and its parameters on the host."""
        if net is None:
            return (None if self.model is None else self.model.encoder), self.image_input, {}
        if not isinstance(net, ConvNet):
            raise TypeError(f"features must be a ConvNet, got {type(net).__name__}")
        model, params, backend = net._fitted()
        if self.model is not None:
            raise ValueError("this Captioner has been fitted; another network cannot take the place of its own")
        of_net = {ENCODER + name: backend.to_host(params[name]) for name in model.feature_shapes()}
        return model, ImageInput(model.image_shape, net.settings.channels_first, net.scaling), copy.copy(of_net)

    def _backend_of(self, given: Any) -> Backend:
        if self.backend is not None:
            return self.backend
        backend = backend_for(given)
        if self.settings.dtype is None:
            return backend
        return Backend(backend.name, backend.xp, backend.device, self.settings.dtype)

    def _placed(
        self,
        given: Any,
        backend: Backend,
        image_input: ImageInput | None,
        model: RecurrentDecoder | None = None,
    ) -> Array | HostTable:
        model = model or self.model
        if image_input is not None:
            return image_input.place(given, backend)
        return place_features(given, backend, width=None if model is None else model.feature_size)

    def _network(
        self, vocabulary_size: int, features: Array | HostTable, encoder: ImageClassifier | None
    ) -> RecurrentDecoder:
        chosen = self.settings
        return RecurrentDecoder(
            vocabulary_size=vocabulary_size,
            feature_size=int(features.shape[1]) if encoder is None else encoder.feature_size,
            features_at=chosen.features_at,
            cell=chosen.cell,
            hidden_size=chosen.hidden_size,
            num_layers=chosen.num_layers,
            embedding_size=chosen.embedding_size,
            dropout=chosen.dropout,
            encoder=encoder,
        )


def _opened(given: Any, image_input: ImageInput | None) -> Any:
    """Features, or images for an encoder, of a path; anything else as it is."""
    if image_input is not None:
        return image_input.opened(given)
    return read_features(given) if isinstance(given, str | os.PathLike) else given


def _about(corpus: CaptionCorpus, rows: Any, count: int) -> Any:
    """Numbers of the captions about some rows of all."""
    wanted = np.zeros(count, bool)
    wanted[rows] = True
    return np.flatnonzero(wanted[corpus.rows])


def _report(corpus: CaptionCorpus, vocabulary: WordVocabulary, count: int) -> None:
    """Say what the captions are like."""
    captions, words = len(corpus.rows), len(corpus.texts.ids)
    told = [
        f"{captions:,} captions of {count:,} images, {words / captions:.1f} words on average, {len(vocabulary):,} of "
        "them distinct"
    ]
    if corpus.texts.unknown:
        told.append(f"{corpus.texts.unknown:,} words are unknown")
    say(f"{corpus.name}: {'; '.join(told)}")
