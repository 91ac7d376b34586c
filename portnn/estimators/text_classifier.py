"""`TextClassifier`: a recurrent network that reads a text and gives it a label, or several."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from portnn.backends import Backend, generator, seed_of, tree_map
from portnn.batches import Permutation, SequenceBatches
from portnn.checkpoints import Arrays, CheckpointError
from portnn.estimators.data_facts import DataFacts
from portnn.estimators.estimator import Estimator, Recipe, as_backend
from portnn.estimators.explanation import Explanation, contributions
from portnn.estimators.given_texts import GivenTexts, as_source
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.row_evaluation import RowEvaluation, monitored
from portnn.estimators.run_settings import RunSettings
from portnn.estimators.running import Saved, Task, run
from portnn.estimators.sequence_evaluation import MULTIPLE, SequenceEvaluator, SequencePredictor
from portnn.estimators.text_classifier_settings import TextClassifierRun, TextClassifierSettings
from portnn.estimators.text_corpus import Learned, TextCorpus, TextReader, reading
from portnn.estimators.text_labels import TextLabels
from portnn.estimators.word_corpus import saved_vocabulary
from portnn.models import Parameters, SequenceClassifier
from portnn.models.sequence_classifier import TABLE
from portnn.objectives import OBJECTIVES
from portnn.ops import CELLS
from portnn.optimizers import as_optimizer
from portnn.settings import Settings, brief, documented, labelled_call, settings_call
from portnn.tables import LabelledTexts, TextLayout, class_weights, place_weights
from portnn.tables.labels import listed
from portnn.text import EncodedTexts, WordVocabulary
from portnn.text.words import NEW_MODELS
from portnn.training import say
from portnn.vectors import KeyedVectors, vocabulary_arrays

Host = np.ndarray[Any, Any]

HOLDING_OUT = (0, 0, 1)
"""Seed, beside a model's, of the texts that are held out: no batch is drawn from it."""


@documented(TextClassifierSettings)
class TextClassifier(Estimator[TextClassifierSettings]):
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
        self.vocabulary: WordVocabulary | None = None
        self.labels: TextLabels | None = None
        self.layout: TextLayout | None = None
        self.evaluators: dict[str, Callable[[Parameters], RowEvaluation]] = {}
        self.steps_per_epoch = 0
        self.word_rules = NEW_MODELS
        self._predictor: SequencePredictor | None = None
        self._reads: TextReader | None = None

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
        run(self, settings, lambda saved: self._task(texts, labels, sample_weight, settings, saved))
        return self

    def predict(self, texts: Sequence[str]) -> Any:
        """Likeliest label of each text.

        Parameters
        ----------
        texts : list of str
            A text without words is read as one unknown word.

        Returns
        -------
        NumPy array (texts,)
            With `multi_label` a list with a tuple of labels for each text, or an array (texts, labels) of 0 and 1 if
            training was given one.
        """
        return self._fitted_labels().decode(self.outputs(texts))

    def predict_proba(self, texts: Sequence[str]) -> Host:
        """Probability of each label, a NumPy array (texts, labels), in the order of ``labels.names``."""
        return self._of_outputs(OBJECTIVES[self._fitted()[0].objective].probabilities, texts)

    def predict_log_proba(self, texts: Sequence[str]) -> Host:
        """Logarithm of `predict_proba`, computed from logits: finite even if a probability rounds to 0."""
        return self._of_outputs(OBJECTIVES[self._fitted()[0].objective].log_probabilities, texts)

    def outputs(self, texts: Sequence[str]) -> Host:
        """Logits, a NumPy array (texts, labels)."""
        _, params, _ = self._fitted()
        return self._predict(params, self._encoded(GivenTexts(texts)))

    def evaluate(self, texts: Any, labels: Any = None, sample_weight: Any = None) -> RowEvaluation:
        """Mean loss in nats, and score: the share of texts whose labels are all right.

        Parameters
        ----------
        texts, labels, sample_weight
            As for `fit`.

        Raises
        ------
        ValueError
            If a label is one that training never saw.
        """
        _, params, _ = self._fitted()
        corpus, weights = self._measured((texts, labels, sample_weight))
        return SequenceEvaluator(self._predict, corpus.texts, corpus.targets, weights)(params)

    def score(self, texts: Any, labels: Any = None, sample_weight: Any = None) -> float:
        """Accuracy."""
        return self.evaluate(texts, labels, sample_weight).score

    def confusion(self, texts: Any, labels: Any = None) -> Host:
        """How often texts of each label were given each label.

        Parameters
        ----------
        texts, labels
            As for `fit`.

        Returns
        -------
        NumPy array of int64
            (labels, labels): entry (i, j) counts texts of label i that were given label j. With `multi_label`
            (labels, 2, 2): for each label, texts without it (row 0) and with it (row 1) that were not given it (column
            0) and were (column 1).

        Raises
        ------
        ValueError
            If a label is one that training never saw.
        """
        model, params, _ = self._fitted()
        corpus, _ = self._measured((texts, labels))
        predicted = OBJECTIVES[model.objective].predict(self._predict(params, corpus.texts)).astype(np.int64)
        true, count = corpus.targets.astype(np.int64), model.outputs
        several = self._fitted_labels().several
        counts = np.zeros((count, 2, 2) if several else (count, count), np.int64)
        np.add.at(counts, (np.arange(count), true, predicted) if several else (true, predicted), 1)
        return counts

    def explain(self, text: str, label: Any = None) -> Explanation:
        """How the answer comes about: probabilities after each word, and each word's part in the logit of a label.

        Parameters
        ----------
        text : str
        label : object, optional
            By default the likeliest one.

        Raises
        ------
        TypeError
            If the text is no str.
        ValueError
            If training never saw the label.
        """
        model, params, backend = self._fitted()
        known, vocabulary = self._fitted_labels(), self._fitted_vocabulary()
        if not isinstance(text, str):
            raise TypeError(f"text is {type(text).__name__} {brief(text)}, expected a str")
        tokens = self._reader.read(text) or [""]
        ids = np.asarray([vocabulary.index.get(token, len(vocabulary)) for token in tokens])
        # Every beginning of the text is a text of its own.
        stops = np.arange(1, len(ids) + 1)
        beginnings = np.concatenate([ids[:stop] for stop in stops])
        logits = self._predict(params, EncodedTexts(beginnings, np.cumsum(stops), 0, 0, 0, ""))
        probabilities = OBJECTIVES[model.objective].probabilities
        assert probabilities is not None
        number = int(np.argmax(logits[-1]))
        if label is not None:
            if label not in known.names:
                raise ValueError(f"training never saw the label {brief(label)}; the classes are {listed(known.names)}")
            number = known.names.index(label)
        return Explanation(
            tuple(tokens),
            tuple((ids < len(vocabulary)).tolist()),
            known.names[number],
            contributions(model, params, ids, number, backend),
            known.names,
            np.asarray(probabilities(logits)),
        )

    def tokens(self, text: str) -> list[str]:
        """Words of a text as the model reads them, those beyond `max_length` included."""
        return self._reader.tokens(text)

    def unknown_words(self, texts: Sequence[str]) -> list[str]:
        """Distinct words that the model reads in some texts and does not know, in order of appearance."""
        index, read, given = self._fitted_vocabulary().index, self._reader.read, GivenTexts(texts).texts
        return list(dict.fromkeys(word for text in given for word in read(text) if word not in index))

    @classmethod
    def from_checkpoint(cls, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> Self:
        """Build the model that a checkpoint holds, on a backend."""
        made = cls(**cls.SETTINGS.among(facts["settings"]), backend=backend)
        made.vocabulary, made.labels = saved_vocabulary(arrays), TextLabels.from_json(facts["labels"])
        made.layout = facts.get("layout") and TextLayout.from_json(facts["layout"])
        made.word_rules, made.model = facts["word_rules"], SequenceClassifier(**facts["model"])
        if made.model.vocabulary_size != len(made.vocabulary) + 1 or made.model.outputs != len(made.labels.names):
            raise CheckpointError("the checkpoint's vocabulary or labels do not fit its weights")
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
        wv = None if known is not None or settings.vectors is None else self._vectors(settings.vectors)
        reader = self._reader
        with reading(source, 1 if known is not None else 2, quiet=not settings.progress) as bar:
            has_vector = (lambda word: False) if wv is None else wv.__contains__
            learned = known or reader.learn(source, labels, has_vector, bar.advance)
            corpus = reader.encode(source, labels, learned, bar.advance)
        model = self._network(learned, lazily=as_optimizer(settings.optimizer).takes_rows)
        params = self.params
        if params is None:
            params = self._first_params(model, learned.vocabulary, wv, quiet=not settings.progress)
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
        rest = (lambda places: order(places + held)) if held else None
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

    def _first_params(
        self, model: SequenceClassifier, vocabulary: WordVocabulary, wv: KeyedVectors | None, *, quiet: bool
    ) -> Parameters:
        """Parameters to start from; words without a vector get random ones of the same size."""
        assert self.backend is not None
        drawn = model.init(generator(self.settings.seed), self.settings.init_scale)
        if wv is not None:
            there = [number for number, word in enumerate(vocabulary.words) if word in wv]
            if not there:
                raise ValueError(f"none of the {len(vocabulary):,} words has a vector; is it the same language?")
            vectors = np.asarray(wv[[vocabulary.words[number] for number in there]], np.float64)
            drawn[TABLE] *= float(vectors.std()) / float(drawn[TABLE].std())
            drawn[TABLE][there] = vectors
            if not quiet:
                say(f"vectors: {len(there):,} of {len(vocabulary):,} words start with one")
        return tree_map(self.backend.asarray, drawn)  # type: ignore[no-any-return]

    def _vectors(self, given: Any) -> KeyedVectors:
        """Vectors on the host.

        Raises
        ------
        TypeError
            If they are neither vectors nor the path of any.
        ValueError
            If they are of another width than the embedding.
        """
        wv = getattr(given, "wv", given)
        if isinstance(given, str | os.PathLike):
            wv = KeyedVectors.load(given)
        if not isinstance(wv, KeyedVectors):
            raise TypeError(f"vectors is {type(given).__name__}, expected KeyedVectors, a Word2Vec, or a path")
        if wv.vector_size != self.settings.embedding_size:
            raise ValueError(
                f"the vectors have {wv.vector_size} entries, but embedding_size is {self.settings.embedding_size}"
            )
        return wv.to("numpy")

    def _weights(self, sample_weight: Any, corpus: TextCorpus, labels: TextLabels) -> Host | None:
        """How much each text counts, by itself and by its class, on the host."""
        assert self.backend is not None
        chosen = self.settings.class_weight
        if chosen is not None:
            by_class = class_weights(chosen, labels.classes, corpus.targets.astype(np.int64))
            sample_weight = by_class if sample_weight is None else np.asarray(sample_weight) * by_class
        placed = place_weights(sample_weight, len(corpus.texts), self.backend)
        return None if placed is None else np.asarray(self.backend.to_host(placed))

    def _measured(
        self, given: Any, learned: Learned | None = None, layout: TextLayout | None = None, encoding: str = "utf-8"
    ) -> tuple[TextCorpus, Host | None]:
        """Texts to measure, from a path or (texts, labels, sample_weight), and how much each counts."""
        assert self.backend is not None
        texts, labels, weight = (*given, None)[:3] if isinstance(given, tuple) else (given, None, None)
        if learned is None:
            learned, layout = Learned(self._fitted_vocabulary(), self._fitted_labels()), self.layout
        source = as_source(texts, labels, encoding=encoding, multi_label=self.settings.multi_label, layout=layout)
        corpus = self._reader.encode(source, labels, learned)
        placed = place_weights(weight, len(corpus.texts), self.backend)
        return corpus, None if placed is None else np.asarray(self.backend.to_host(placed))

    def _encoded(self, source: GivenTexts) -> Any:
        return self._reader.ids((text for text, _ in source.read()), self._fitted_vocabulary())

    def _of_outputs(self, function: Any, texts: Sequence[str]) -> Host:
        return np.asarray(function(self.outputs(texts)))

    @property
    def _reader(self) -> TextReader:
        if self._reads is None:
            self._reads = TextReader(self.settings, self.word_rules)
        return self._reads

    @property
    def _predict(self) -> SequencePredictor:
        if self._predictor is None:
            model, _, backend = self._fitted()
            self._predictor = SequencePredictor(model, backend)
        return self._predictor

    def _own_facts(self) -> dict[str, Any]:
        return {
            "labels": self._fitted_labels().to_json(),
            "word_rules": self.word_rules,
            "layout": self.layout and self.layout.to_json(),
        }

    def _constants(self) -> Arrays:
        vocabulary = self._fitted_vocabulary()
        return vocabulary_arrays(vocabulary.words, vocabulary.counts)

    def _forget(self) -> None:
        self._predictor, self._reads = None, None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "evaluators": {}}

    def _fitted_vocabulary(self) -> WordVocabulary:
        self._fitted()
        assert self.vocabulary is not None
        return self.vocabulary

    def _fitted_labels(self) -> TextLabels:
        self._fitted()
        assert self.labels is not None
        return self.labels


def report(corpus: TextCorpus, learned: Learned) -> None:
    """Say what the texts are like, and what of them is not read as it stands."""
    texts, words = corpus.texts, len(corpus.texts.ids)
    told = [
        f"{len(texts):,} texts of {words / len(texts):.1f} words on average, {len(learned.vocabulary):,} of them "
        "distinct"
    ]
    if texts.cut:
        told.append(f"{texts.cut:,} are cut to max_length")
    if texts.empty:
        told.append(f"{texts.empty:,} have no words and are read as one unknown word")
    if texts.unknown:
        told.append(f"{texts.unknown:,} words are unknown")
    say(f"{corpus.name}: {'; '.join(told)}")
    several, ids = learned.labels.several, corpus.targets.astype(np.int64)
    counts = ids.sum(axis=0) if several else np.bincount(ids, minlength=len(learned.labels.names))
    once = [name for name, count in zip(learned.labels.names, counts.tolist(), strict=True) if count == 1]
    if once:
        say(f"note: labels that occur only once: {listed(once)}")
