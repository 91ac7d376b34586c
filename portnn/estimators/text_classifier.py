"""`TextClassifier`: a recurrent network that reads a text and gives it a label, or several."""

from __future__ import annotations

import functools
from typing import Any, ClassVar, Self

import numpy as np

from portnn.backends import Backend, generator, seed_of, tree_map
from portnn.batches import Permutation, SequenceBatches
from portnn.checkpoints import Arrays, CheckpointError
from portnn.estimators.data_facts import DataFacts
from portnn.estimators.estimator import Recipe, as_backend
from portnn.estimators.first_vectors import first_params, given_vectors
from portnn.estimators.given_texts import as_source
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.row_evaluation import monitored
from portnn.estimators.run_settings import RunSettings
from portnn.estimators.running import Saved, Task, run
from portnn.estimators.sequence_evaluation import MULTIPLE, SequenceEvaluator, SequencePredictor
from portnn.estimators.text_classifier_settings import TextClassifierRun, TextClassifierSettings
from portnn.estimators.text_corpus import Learned, TextCorpus, reading, report
from portnn.estimators.text_labels import TextLabels
from portnn.estimators.text_model import TextModel
from portnn.estimators.word_corpus import saved_vocabulary
from portnn.models import SequenceClassifier
from portnn.ops import CELLS
from portnn.optimizers import as_optimizer
from portnn.settings import Settings, documented, labelled_call, settings_call
from portnn.tables import LabelledTexts, TextLayout, class_weights, place_weights
from portnn.text.words import word_rules

Host = np.ndarray[Any, Any]

HOLDING_OUT = (0, 0, 1)
"""Seed, beside a model's, of the texts that are held out: no batch is drawn from it."""


@documented(TextClassifierSettings)
class TextClassifier(TextModel):
    """Recurrent classifier of texts: words in, one answer out.

    Parameters
    ----------
    {settings}

    Attributes
    ----------
    model : SequenceClassifier
        The network's configuration, once vocabulary and labels are known.
    params : dict of str to array
        Its parameters, on the backend. The last row of ``embedding.weight`` is that of the unknown word.
    vocabulary : WordVocabulary
    labels : TextLabels
        ``labels.names`` are the labels, in the order of the probabilities.
    layout : TextLayout or None
        Layout of the file that it was trained on, if any; other files are read like that one.
    evaluators : dict of str to callable
        What measures ``"training"`` and, if there are any, ``"held-out"`` texts of the latest `fit`:
        ``evaluators["training"](model.params)``. Neither copied nor saved.
    steps_per_epoch : int
        Of the latest `fit`.

    Examples
    --------
    >>> import portnn
    >>> texts, labels = ["good", "not good", "bad", "not bad"] * 8, ["+", "-", "-", "+"] * 8
    >>> model = portnn.TextClassifier(hidden_size=16, embedding_size=8, seed=1)
    >>> model = model.fit(texts, labels, epochs=60, batch_size=8, learning_rate=0.02, progress=False)
    >>> model.predict(["not bad", "good"]).tolist()
    ['+', '+']
    """

    SETTINGS: ClassVar[type[Settings]] = TextClassifierSettings
    RUN: ClassVar[type[RunSettings]] = TextClassifierRun
    RECIPES: ClassVar[dict[str, Recipe]] = {
        "plain": Recipe(
            {"cell": "rnn", "hidden_size": 64, "embedding_size": None, "init_scale": 1e-3, "word_dropout": 0.0},
            {
                "batch_size": 1,
                "optimizer": "sgd",
                "learning_rate": 0.02,
                "clip_value": 1.0,
                "clip_norm": None,
                "epochs": 1000.0,
            },
        ),
        "quick": Recipe(
            {"cell": "lstm", "hidden_size": 32, "embedding_size": 16},
            {"batch_size": 8, "learning_rate": 0.01, "epochs": 60.0},
        ),
    }

    @settings_call(TextClassifierSettings)
    def __init__(self, settings: TextClassifierSettings) -> None:
        super().__init__(settings, as_backend(settings.backend, settings.device, settings.dtype))

    @labelled_call(TextClassifierRun)
    def fit(self, texts: Any, labels: Any = None, sample_weight: Any = None, *, settings: TextClassifierRun) -> Self:
        """Train. A model that has been fitted is trained further, with the words and labels that it knows.

        Parameters
        ----------
        texts : list of str, path, sequence of paths, or LabelledTexts
            A path is that of a file with texts and labels, or of a folder of classes: see
            `portnn.tables.LabelledTexts`, which also takes the names of columns. Files may be larger than memory.
        labels : sequence of int or str, optional
            One for each text; with `multi_label` a list of labels for each, or an array (texts, labels) of 0 and 1.
            Files have their own.
        sample_weight : array (texts,), optional
            How much each text counts in the mean loss.
        {settings}

        Returns
        -------
        TextClassifier
            Itself. With `patience` and held-out texts it has the best parameters of the run, else the last.

        Raises
        ------
        TypeError
            If a text is no str, or a label neither a number nor a str.
        ValueError
            If there is nothing to learn, a label is unknown, vectors have another width, a setting is out of range, or
            a checkpoint does not fit.
        DivergenceError
            If the loss is not finite or explodes. The model is then as it was before.
        """
        run(self, settings, lambda saved, group: self._task(texts, labels, sample_weight, settings, saved))
        return self

    @classmethod
    def from_checkpoint(cls, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> Self:
        """Build the model that a checkpoint holds, on a backend."""
        made = cls(**cls.SETTINGS.among(facts["settings"]), backend=backend)
        if made.settings.num_layers > len(arrays):
            raise CheckpointError(f"the checkpoint has {len(arrays)} arrays, too few for its number of layers")
        learned = Learned(saved_vocabulary(arrays), TextLabels.from_json(facts["labels"]))
        if facts["model"]["vocabulary_size"] != len(learned.vocabulary) + 1:
            raise CheckpointError("the checkpoint's vocabulary does not fit its weights")
        made.vocabulary, made.labels = learned
        made.layout = facts.get("layout") and TextLayout.from_json(facts["layout"])
        made.word_rules = word_rules(facts["word_rules"]).name
        made.model = made._network(learned, lazily=facts["model"]["rows_at_a_time"])
        made.params = tree_map(backend.asarray, checked_params(arrays, made.model))
        return made

    def _task(
        self, texts: Any, labels: Any, sample_weight: Any, settings: TextClassifierRun, saved: Saved | None
    ) -> Task:
        assert self.backend is not None
        backend, chosen, seed = self.backend, self.settings, seed_of(self.settings.seed)
        source = as_source(texts, labels, encoding=settings.encoding, multi_label=chosen.multi_label)
        layout = source.layout if isinstance(source, LabelledTexts) else None
        known = None if self.params is None else Learned(self._fitted_vocabulary(), self._fitted_labels())
        if saved is not None:
            known = Learned(saved_vocabulary(saved[0]), TextLabels.from_json(saved[1]["labels"]))
        wv = None
        if known is None and settings.vectors is not None:
            wv = given_vectors(settings.vectors, chosen.embedding_size)
        reader = self._reader
        with reading(source, 1 if known is not None else 2, quiet=not settings.progress) as bar:
            has_vector = (lambda word: False) if wv is None else wv.__contains__
            learned = known or reader.learn(source, labels, has_vector, bar.advance)
            corpus = reader.encode(source, labels, learned, bar.advance)
        model = self._network(learned, lazily=as_optimizer(settings.optimizer).takes_rows)
        params = self.params
        if params is None:
            rng, quiet = generator(seed), not settings.progress
            params = tree_map(
                backend.asarray, first_params(model, rng, chosen.init_scale, learned.vocabulary, wv, quiet=quiet)
            )
        elif model.row_parameters:  # training writes to them
            params = {name: backend.xp.asarray(array, copy=True) for name, array in params.items()}
        if settings.progress:
            report(corpus, learned)
        weights = self._weights(sample_weight, corpus, learned.labels)
        predict = SequencePredictor(model, backend)
        count = len(corpus.texts)
        fraction = settings.held_out if isinstance(settings.held_out, float) else 0.0
        held = round(count * fraction)
        if held == count:
            raise ValueError(f"held_out is {fraction}, which leaves none of {count} texts to train on")
        order, digest, evaluator = Permutation(count, (seed, *HOLDING_OUT)), None, None
        if held:
            evaluator = SequenceEvaluator(predict, corpus.texts, corpus.targets, weights, order, held)
        elif not isinstance(settings.held_out, float):
            measured, of_measured = self._measured(settings.held_out, learned, layout, settings.encoding)
            digest = measured.digest(of_measured)
            evaluator = SequenceEvaluator(predict, measured.texts, measured.targets, of_measured)
        rest = functools.partial(_after, held, order) if held else None
        batches = SequenceBatches(
            corpus.texts.ids,
            corpus.texts.ends,
            corpus.targets,
            weights,
            chosen=rest,
            count=count - held,
            batch_size=settings.batch_size,
            unknown_id=len(learned.vocabulary),
            word_dropout=chosen.word_dropout,
            masks=model.masks,
            dropout=model.dropout,
            multiple=MULTIPLE if backend.library.compiles else 1,
            seed=seed,
            release=corpus.texts.release,
        )
        on_training = SequenceEvaluator(predict, corpus.texts, corpus.targets, weights, rest, count - held)
        return Task(
            model=model,
            batches=batches,
            params=params,
            backend=backend,
            data=DataFacts("data", corpus.name, count, "texts", corpus.digest(weights), digest),
            held_out=None if evaluator is None else monitored(evaluator, settings.monitor),
            attributes={
                "vocabulary": learned.vocabulary,
                "labels": learned.labels,
                "layout": layout,
                "evaluators": {"training": on_training, **({"held-out": evaluator} if evaluator else {})},
                "steps_per_epoch": batches.batches,
            },
            settled={"batch_size": batches.batch_size, "held_out": fraction},
            width=len(CELLS[model.cell].gates) * model.stack.output_size * model.num_layers,
        )

    def _network(self, learned: Learned, *, lazily: bool) -> SequenceClassifier:
        chosen = self.settings
        return SequenceClassifier(
            len(learned.vocabulary) + 1,
            len(learned.labels.names),
            chosen.cell,
            chosen.hidden_size,
            chosen.num_layers,
            chosen.bidirectional,
            chosen.embedding_size,
            chosen.pooling,
            chosen.dropout,
            learned.labels.objective,
            chosen.frozen_embedding,
            lazily,
        )

    def _weights(self, sample_weight: Any, corpus: TextCorpus, labels: TextLabels) -> Host | None:
        """How much each text counts, by itself and by its class, on the host."""
        assert self.backend is not None
        chosen = self.settings.class_weight
        if chosen is not None:
            by_class = class_weights(chosen, labels.classes, corpus.targets.astype(np.int64))
            sample_weight = by_class if sample_weight is None else np.asarray(sample_weight) * by_class
        placed = place_weights(sample_weight, len(corpus.texts), self.backend)
        return None if placed is None else np.asarray(self.backend.to_host(placed))


def _after(held: int, order: Permutation, places: Host) -> Host:
    """Numbers at some places of an order whose first ones are held out."""
    return order(places + held)
