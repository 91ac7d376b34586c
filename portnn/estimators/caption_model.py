"""`CaptionModel`: a fitted captioner, which says captions, is measured and saved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import numpy as np

from portnn.backends import Array, Backend, is_array, tree_map
from portnn.batches import HostTable
from portnn.batches.captions import rows_of
from portnn.checkpoints import Arrays, CheckpointError
from portnn.estimators.caption_corpus import CaptionReader
from portnn.estimators.caption_evaluation import CaptionEvaluation, CaptionEvaluator, bleu, exact
from portnn.estimators.captioner_settings import CaptionerSettings, GenerateSettings
from portnn.estimators.captioning import Speaker, generators, images_at_a_time
from portnn.estimators.estimator import Estimator
from portnn.estimators.feature_placing import place_features
from portnn.estimators.given_captions import as_captions
from portnn.estimators.image_input import ImageInput
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.word_corpus import saved_vocabulary
from portnn.estimators.word_gradients import word_gradients
from portnn.images import read_features
from portnn.models import RecurrentDecoder
from portnn.settings import brief, feature_call
from portnn.text import WordVocabulary
from portnn.text.words import NEW_MODELS, word_rules
from portnn.vectors import vocabulary_arrays


class Caption(NamedTuple):
    """What a captioner says of an image.

    Attributes
    ----------
    text : str
    words : tuple of str
    log_probability : float
        Natural logarithm of the probability of these words and their end; without the end if there is none.
    ended : bool
        Whether the captioner ended it; otherwise it was cut at `max_length`.
    """

    text: str
    words: tuple[str, ...]
    log_probability: float
    ended: bool

    def __str__(self) -> str:
        return self.text


class CaptionModel(Estimator[CaptionerSettings]):
    """A recurrent decoder with its words, once there are any.

    Attributes
    ----------
    vocabulary : WordVocabulary or None
    image_input : ImageInput or None
        Of the encoder, if the model has taken one over.
    word_rules : str
        Rules by which captions are cut into words.
    """

    def _begin(self, settings: CaptionerSettings, backend: Backend | None) -> None:
        Estimator.__init__(self, settings, backend)
        self.vocabulary: WordVocabulary | None = None
        self.image_input: ImageInput | None = None
        self.word_rules = NEW_MODELS
        self._reads: CaptionReader | None = None

    @feature_call(GenerateSettings)
    def generate(self, v: Any, *, settings: GenerateSettings) -> list[Caption]:
        """Say a caption of each image, word by word.

        Parameters
        ----------
        v : array (images, features), path, or images
            Features, as `fit` was given them, or images if the model has an encoder.
        {settings}

        Returns
        -------
        list of Caption

        Raises
        ------
        TypeError, ValueError
            If features are not those of the model, or a setting is out of range.
        """
        return [caption for block in self._generated(v, settings) for caption in block]

    @feature_call(GenerateSettings)
    def caption_blocks(self, v: Any, *, settings: GenerateSettings) -> Iterator[list[Caption]]:
        """The same, some images at a time, for captions of more images than fit into memory.

        Parameters
        ----------
        v : array (images, features), path, or images
        {settings}

        Returns
        -------
        iterator of lists of Caption

        Raises
        ------
        TypeError, ValueError
            At once, if features are not those of the model, or a setting is out of range.
        """
        return self._generated(v, settings)

    def evaluate(
        self, v: Any, captions: Any, *, beam: int = 1, length_penalty: float = 1.0, max_length: int = 30
    ) -> CaptionEvaluation:
        """Loss of the captions given, and how well those that the model says agree with them.

        Parameters
        ----------
        v : array (images, features), path, or images
        captions : list of str, list of lists of str, or path
            One or several of each image; see `fit`. Images without any are left out.
        beam, length_penalty, max_length
            As for `generate`.

        Returns
        -------
        CaptionEvaluation

        Raises
        ------
        TypeError, ValueError
            If features or captions are not those of the model.
        """
        model, params, backend = self._fitted()
        settings = GenerateSettings(beam=beam, length_penalty=length_penalty, max_length=max_length)
        features, source = self._place(v), as_captions(captions)
        count = int(features.shape[0])
        corpus = self._reader.encode(source, self._fitted_vocabulary(), count, partial=True, about="the features have")
        loss = CaptionEvaluator(model, backend, features, corpus)(params)
        rows = np.unique(corpus.rows)
        said = [caption for block in self._said(features, rows, settings) for caption in block]
        references = self._reader.references(source, count)
        given = [references[row] for row in rows]
        try:
            score = bleu([caption.text for caption in said], [[*map(self._reader.text, each)] for each in given])
        except ModuleNotFoundError:
            score = None
        right = exact([caption.words for caption in said], given)
        return CaptionEvaluation(loss, right, score, len(corpus.rows), len(rows))

    def word_gradients(self, v: Any, caption: str) -> np.ndarray[Any, Any]:
        """What each word of a caption owes to the features: the gradient of its log-probability.

        Parameters
        ----------
        v : array (features,), or an image if the model has an encoder
        caption : str

        Returns
        -------
        NumPy array (words + 1, features), or (words + 1, height, width, channels)
            How the log-probability of each word, given the words before it, grows with each entry of v; in the last
            row that of the end.

        Raises
        ------
        ValueError
            If the caption has no words, or one that the model does not know.
        """
        model, params, backend = self._fitted()
        words, known = self._reader.tokens(caption), self._fitted_vocabulary().index
        strange = [word for word in words if word not in known]
        if strange or not words:
            raise ValueError(
                f"{brief(strange[0])} is not a word of the model" if strange else "the caption has no words"
            )
        placed = self._place(v[None, ...])
        one = backend.asarray(rows_of(placed, np.zeros(1, np.int64), backend))
        return word_gradients(model, params, backend, one, [known[word] for word in words])

    def features(self, images: Any) -> Array:
        """Features of images as the model's encoder, which was trained along, computes them: (images, features).

        Raises
        ------
        ValueError
            If it has no encoder.
        """
        model, params, backend = self._fitted()
        if model.encoder is None:
            raise ValueError("this Captioner was trained on features and has no encoder to compute others")
        placed, size, xp = self._place(images), model.encoder.rows_at_a_time, backend.xp
        count = int(placed.shape[0])
        parts = [
            model.features_of(params, rows_of(placed, np.arange(start, min(start + size, count)), backend), xp=xp)[0]
            for start in range(0, count, size)
        ]
        features = parts[0] if len(parts) == 1 else xp.concat(parts)
        return features if is_array(images) and not isinstance(images, np.ndarray) else backend.to_host(features)

    @classmethod
    def from_checkpoint(cls, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> Self:
        """Build the model that a checkpoint holds, on a backend."""
        made = cls(**cls.SETTINGS.among(facts["settings"]), backend=backend)
        if made.settings.num_layers > len(arrays):
            raise CheckpointError(f"the checkpoint has {len(arrays)} arrays, too few for its number of layers")
        made.vocabulary = saved_vocabulary(arrays)
        made.word_rules = word_rules(facts["word_rules"]).name
        made.image_input = facts["image_input"] and ImageInput.from_json(facts["image_input"])
        made.model = RecurrentDecoder(**facts["model"])
        if made.model.vocabulary_size != len(made.vocabulary) + 2:
            raise CheckpointError("the checkpoint's vocabulary does not fit its weights")
        made.params = tree_map(backend.asarray, checked_params(arrays, made.model))
        return made

    def _generated(self, v: Any, settings: GenerateSettings) -> Iterator[list[Caption]]:
        """Captions of images, a block at a time."""
        features = self._place(v)
        return self._said(features, np.arange(int(features.shape[0])), settings)

    def _said(
        self, features: Array | HostTable, rows: np.ndarray[Any, Any], settings: GenerateSettings
    ) -> Iterator[list[Caption]]:
        model, params, backend = self._fitted()
        vocabulary, size = self._fitted_vocabulary(), images_at_a_time(model, settings.beam)
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            placed = backend.asarray(rows_of(features, some, backend))
            speaker = Speaker(model, params, backend, placed, forbidden=len(vocabulary))
            if settings.temperature:
                assert settings.seed is not None
                found = speaker.drawn(settings, generators(settings.seed, start, len(some)))
            else:
                found = speaker.beam(settings)
            yield [self._caption(*each) for each in zip(*(array.tolist() for array in found), strict=True)]

    def _caption(self, ids: list[int], log_probability: float, ended: bool) -> Caption:
        known = self._fitted_vocabulary().words
        words = tuple(known[index] for index in ids if index < len(known))
        return Caption(self._reader.text(words), words, log_probability, ended)

    def _place(self, v: Any) -> Array | HostTable:
        """Features, or images of an encoder, where batches take them from."""
        model, _, backend = self._fitted()
        if self.image_input is not None:
            return self.image_input.place(v, backend)
        given = read_features(v) if isinstance(v, str | os.PathLike) else v
        return place_features(given, backend, width=model.feature_size)

    @property
    def _reader(self) -> CaptionReader:
        if self._reads is None:
            self._reads = CaptionReader(self.settings, self.word_rules)
        return self._reads

    def _forget(self) -> None:
        self._reads = None

    def _fitted_vocabulary(self) -> WordVocabulary:
        self._fitted()
        assert self.vocabulary is not None
        return self.vocabulary

    def _own_facts(self) -> dict[str, Any]:
        return {
            "word_rules": self.word_rules,
            "image_input": self.image_input and self.image_input.to_json(),
        }

    def _constants(self) -> Arrays:
        vocabulary = self._fitted_vocabulary()
        return vocabulary_arrays(vocabulary.words, vocabulary.counts)
