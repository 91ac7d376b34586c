"""`Word2Vec`: learn word vectors from sentences, by skip-gram or CBOW, and save them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np

from portnn.backends import seed_of, tree_map
from portnn.estimators.data_facts import DataFacts
from portnn.estimators.estimator import Recipe, as_backend
from portnn.estimators.run_settings import RunSettings
from portnn.estimators.running import Saved, Task, processes, run
from portnn.estimators.word2vec_model import WordVectorModel
from portnn.estimators.word2vec_settings import TrainedAtOnce, Word2VecCall, Word2VecRun, Word2VecSettings, check_apart
from portnn.estimators.word_corpus import check_counts, saved_vocabulary
from portnn.groups import Group
from portnn.models import Parameters, WordVectors
from portnn.optimizers.schedules import Linear
from portnn.settings import Settings, documented, settings_call, text_call
from portnn.text import WordVocabulary, files_of
from portnn.text.words import OLD_MODELS

LINES_OF_METRICS = 20
"""Lines of metrics per epoch."""


@documented(TrainedAtOnce, Word2VecSettings)
class Word2Vec(WordVectorModel):
    """Word vectors by word2vec, with the names of gensim's class.

    Given sentences, it is trained at once: ``Word2Vec(sentences, vector_size=50, callbacks=[each])`` is
    ``Word2Vec(vector_size=50).fit(sentences, callbacks=[each])``, bit for bit. `epochs` and `workers` are kept for
    every `fit` that is not given its own; sentences, `callbacks` and `progress` are not kept. An error or Ctrl-C in the
    constructor leaves no model: a long run is one for ``fit(sentences, out=...)``.

    Parameters
    ----------
    {settings}

    Attributes
    ----------
    wv : KeyedVectors
        The input vectors. `vectors` gives the output vectors, or the sum.
    vocabulary : WordVocabulary
    model : WordVectors
        The configuration.
    params : dict of str to array
        Tables input and output (vocabulary, vector_size), on the backend.
    metrics : list of Metrics
        Lines of the latest run; `loss` is the mean in nats per pair since the epoch began.
    epoch_losses : list of float
        Mean loss of each epoch of the latest run, in nats per pair.
    steps_per_epoch : int
        Of the latest run.

    Raises
    ------
    ValueError
        If `callbacks` or ``progress=False`` come without sentences, or both sentences and `corpus_file` are given.

    References
    ----------
    .. [1] T. Mikolov, K. Chen, G. Corrado, J. Dean. Efficient estimation of word representations in vector space.
       2013. https://arxiv.org/abs/1301.3781
    .. [2] T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean. Distributed representations of words and phrases
       and their compositionality. NeurIPS, 2013. https://arxiv.org/abs/1310.4546

    Examples
    --------
    >>> import portnn
    >>> sentences = [["red", "green", "blue"], ["one", "two", "three"]] * 100
    >>> model = portnn.Word2Vec(sentences, vector_size=8, window=2, min_count=1, sample=0, epochs=20, progress=False)
    >>> {word for word, cosine in model.vectors("sum").most_similar("red", topn=2)} == {"green", "blue"}
    True
    """

    SETTINGS: ClassVar[type[Settings]] = Word2VecSettings
    RUN: ClassVar[type[RunSettings]] = Word2VecRun
    RECIPES: ClassVar[dict[str, Recipe]] = {"short-text": Recipe({"lines": False, "epochs": 20.0}, {})}

    @settings_call(Word2VecCall)
    def __init__(self, settings: Word2VecCall) -> None:
        super().__init__(settings.model, as_backend(settings.backend, settings.device, settings.dtype))
        if settings.corpus is not None:
            self.fit(settings.corpus, callbacks=settings.callbacks, progress=settings.progress)

    @text_call(Word2VecRun)
    def fit(self, sentences: Any, *, settings: Word2VecRun) -> Self:
        """Learn vectors. A model that has been fitted is trained further, from `alpha` down again.

        Parameters
        ----------
        sentences : str, Path, sequence of Paths, or iterable of lists of str
            A str is the text itself; a Path a file, compressed or not, or a folder. An iterable is read several times,
            so it must start anew each time: a list, or an object of a class with ``__iter__``.
        {settings}

        Returns
        -------
        Word2Vec
            Itself.

        Raises
        ------
        TypeError
            If the sentences can be read only once, or one of them is not a list of words.
        ValueError
            If they are empty, or have no frequent word; if `sample` leaves nothing to learn, or `ns_exponent` is too
            large for their counts; or a checkpoint does not fit.
        DivergenceError
            If the loss is not finite or explodes. The model is then as it was before.

        Notes
        -----
        If a run is resumed with other `epochs` or `steps`, the learning rate falls as in a run of the new length, from
        its value at that point.
        """
        if settings.steps is None and settings.epochs is None:
            settings = replace(settings, epochs=self.settings.epochs)
        settings = replace(settings, workers=settings.workers or self.settings.workers)
        run(self, settings, lambda saved, group: self._task(sentences, settings, saved, group))
        return self

    def _task(self, source: Any, settings: Word2VecRun, saved: Saved | None, group: Group) -> Task:
        assert self.backend is not None
        known, fits, update, rules = self.vocabulary, self.fits, settings.update_vocabulary, self.word_rules
        if saved is not None:
            known, fits, update = saved_vocabulary(saved[0]), saved[1]["fits"] - 1, False
            rules = saved[1].get("word_rules", OLD_MODELS)
        if settings.sharded:
            source = files_of(source, group)
        vocabulary, words = self._read(
            source,
            settings.encoding,
            rules,
            known,
            update=update,
            progress=settings.progress,
            group=group,
            dealt=settings.sharded,
        )
        check_counts(vocabulary, words, self.settings)
        seed, parts = seed_of(self.settings.seed), processes(settings, saved, group)
        if parts > 1:
            check_apart(self.backend, settings.optimizer, group, shared_tables=self.settings.shared_tables)
        piece = (group.rank,) if group.size > 1 else ()
        batches = self._batches(words, vocabulary, seed=(seed, fits, 1, *piece), parts=parts)
        model = self._network(vocabulary, batches.reach)
        params = self._first_params(model, vocabulary, np.random.default_rng((seed, fits)))
        every, total = batches.batches, settings.total_steps(batches.batches)
        return Task(
            model=model,
            batches=batches,
            params=params,
            backend=self.backend,
            data=DataFacts(
                "text",
                group.broadcast(words.name),
                words.words,
                "words",
                words.sha256,
                counts_sha256=words.counts_sha256,
            ),
            attributes={"vocabulary": vocabulary, "word_rules": rules, "fits": fits + 1, "steps_per_epoch": every},
            plan={
                "schedule": Linear(self.settings.alpha, total, end=self.settings.min_alpha),
                "mean_over": "epoch",
                "shared_tables": self.settings.shared_tables,
                "log_every": settings.log_every or max(1, every // LINES_OF_METRICS),
                "evaluate_every": settings.evaluate_every or every,
                "checkpoint_every": settings.checkpoint_every or every,
            },
            loss_unit="nats per pair",
            close=batches.close,
        )

    def _first_params(self, model: WordVectors, vocabulary: WordVocabulary, rng: np.random.Generator) -> Parameters:
        """Parameters to start from: copies of existing ones, as training writes to them; random for new words."""
        assert self.backend is not None
        before = 0 if self.params is None else len(self.vocabulary or ())
        drawn = replace(model, vocabulary_size=max(1, len(vocabulary) - before)).init(rng)
        asarray, xp = self.backend.asarray, self.backend.xp
        if self.params is None:
            return tree_map(asarray, drawn)  # type: ignore[no-any-return]
        if len(vocabulary) == before:
            return {name: xp.asarray(table, copy=True) for name, table in self.params.items()}
        return {name: xp.concat([table, asarray(drawn[name])]) for name, table in self.params.items()}
