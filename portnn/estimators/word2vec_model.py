"""`WordVectorModel`: fitted word vectors, which are asked, measured and saved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from portnn.backends import Backend, seed_of, tree_map
from portnn.batches import WindowBatches, steady_batch_size
from portnn.checkpoints import Arrays, CheckpointError
from portnn.estimators.estimator import Estimator
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.word2vec_settings import Word2VecSettings
from portnn.estimators.word_corpus import saved_vocabulary
from portnn.models import WordVectors
from portnn.settings import brief
from portnn.text import WordIds, WordVocabulary
from portnn.text.words import NEW_MODELS, OLD_MODELS
from portnn.vectors import KeyedVectors, vocabulary_arrays

TABLES = ("input", "output", "sum")


class WordVectorModel(Estimator[Word2VecSettings]):
    """Tables of vectors with their words, once there are any.

    Attributes
    ----------
    vocabulary : WordVocabulary or None
    word_rules : str
        Rules by which a text is cut into words.
    steps_per_epoch : int
        Of the latest run.
    fits : int
        How many times it has been trained.
    """

    def __init__(self, settings: Word2VecSettings, backend: Backend) -> None:
        super().__init__(settings, backend)
        self.vocabulary: WordVocabulary | None = None
        self.word_rules = NEW_MODELS
        self.steps_per_epoch, self.fits = 0, 0
        self._keyed: dict[str, KeyedVectors] = {}

    def evaluate(self, sentences: Any, *, encoding: str = "utf-8") -> float:
        """Mean loss of a text in nats per pair, with windows and negatives drawn by the seed.

        Parameters
        ----------
        sentences
            As for `fit`. Words that are not in the vocabulary are left out.
        encoding : str
        """
        model, params, backend = self._fitted()
        vocabulary, words = self._read(
            sentences, encoding, self.word_rules, self._fitted_vocabulary(), update=False, progress=False
        )
        batches = self._batches(words, vocabulary, seed=(seed_of(self.settings.seed), 0, 2))
        model = replace(model, window=batches.reach)
        total, terms = 0.0, 0.0
        for position in range(batches.batches):
            batch = batches.at(position)
            loss, _, _ = model.loss(params, tree_map(backend.asarray, batch.data), xp=backend.xp)
            total, terms = total + float(loss), terms + batch.terms
        batches.close()
        return total / max(terms, 1.0)

    @property
    def wv(self) -> KeyedVectors:
        """Words and their input vectors, on the backend."""
        return self.vectors("input")

    @property
    def epoch_losses(self) -> list[float]:
        """Mean loss of each epoch of the latest run, in nats per pair."""
        return [line["loss"] for line in self.metrics if line["step"] % self.steps_per_epoch == 0]

    def vectors(self, table: str = "input") -> KeyedVectors:
        """Words and their vectors from one table, on the backend.

        Parameters
        ----------
        table : {"input", "output", "sum"}
            The exercise of Stanford's CS224d uses the sum of both.

        Raises
        ------
        ValueError
            If there is no such table, or the model has not been fitted.
        """
        _, params, _ = self._fitted()
        if table not in TABLES:
            raise ValueError(f"vectors: no table {brief(table)}; expected {', '.join(TABLES[:-1])} or {TABLES[-1]}")
        if table not in self._keyed:
            vocabulary = self._fitted_vocabulary()
            array = params["input"] + params["output"] if table == "sum" else params[table]
            self._keyed[table] = KeyedVectors(vocabulary.words, array, vocabulary.counts)
        return self._keyed[table]

    @classmethod
    def from_checkpoint(cls, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> Self:
        """Build the model that a checkpoint holds, on a backend."""
        vocabulary = saved_vocabulary(arrays)
        if facts["model"]["vocabulary_size"] != len(vocabulary):
            raise CheckpointError("the checkpoint's vocabulary does not fit its vectors")
        made = cls(**cls.SETTINGS.among(facts["settings"]), backend=backend)
        made.vocabulary, made.fits = vocabulary, facts["fits"]
        made.word_rules = facts.get("word_rules", OLD_MODELS)
        made.model = made._network(vocabulary, made.settings.window)
        made.params = tree_map(backend.asarray, checked_params(arrays, made.model))
        return made

    def batch_size_for(self, vocabulary: WordVocabulary, window: int | None = None, workers: int = 1) -> int:
        """Positions of a step: as set, or what the vocabulary tolerates with windows of a size and so many workers."""
        chosen = self.settings if window is None else replace(self.settings, window=window)
        writers = workers if chosen.shared_tables else 1
        return chosen.batch_size or steady_batch_size(vocabulary.counts, chosen, chosen.alpha, writers)

    def _read(
        self, source: Any, encoding: str, word_rules: str, known: WordVocabulary | None, **options: Any
    ) -> tuple[WordVocabulary, WordIds]:
        window = self.settings.window
        return self.settings.read(source, encoding, window=window, word_rules=word_rules, known=known, **options)

    def _batches(
        self, words: WordIds, vocabulary: WordVocabulary, seed: tuple[int, ...], parts: int = 1
    ) -> WindowBatches:
        return WindowBatches(
            words.ids,
            vocabulary.counts,
            words.words,
            self.settings,
            longest=words.longest,
            batch_size=self.batch_size_for(vocabulary, min(self.settings.window, words.longest - 1), parts),
            parts=parts,
            largest_piece=words.largest_piece,
            seed=seed,
            release=words.release,
        )

    def _network(self, vocabulary: WordVocabulary, window: int) -> WordVectors:
        chosen = self.settings
        return WordVectors(
            len(vocabulary),
            chosen.vector_size,
            window,
            sg=chosen.sg,
            negative=chosen.negative > 0,
            cbow_mean=chosen.cbow_mean,
            whole_steps=chosen.whole_steps,
        )

    def _own_facts(self) -> dict[str, Any]:
        return {"fits": self.fits, "word_rules": self.word_rules}

    def _constants(self) -> Arrays:
        vocabulary = self._fitted_vocabulary()
        return vocabulary_arrays(vocabulary.words, vocabulary.counts)

    def _forget(self) -> None:
        self._keyed = {}

    def _fitted_vocabulary(self) -> WordVocabulary:
        self._fitted()
        assert self.vocabulary is not None
        return self.vocabulary
