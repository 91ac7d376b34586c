"""`Word2Vec`: learn word vectors from sentences, by skip-gram or CBOW, and keep them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from portnn.backends import Backend, tree_map
from portnn.batches import WindowBatches, chance_to_keep, steady_batch_size
from portnn.checkpoints import CheckpointError, save_checkpoint
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.resuming import check_same_data, check_same_settings, open_run
from portnn.estimators.settings import as_backend, as_optimizer, as_seed, number, plain, switch, total_steps
from portnn.estimators.word_corpus import WordCorpus, saved_vocabulary
from portnn.models import Parameters, WordVectors
from portnn.optimizers import Optimizer
from portnn.optimizers.schedules import Linear
from portnn.text import SentencesLike, WordIds, WordVocabulary
from portnn.training import Callback, DivergenceError, Metrics, Plan, Trainer
from portnn.vectors import KeyedVectors, vocabulary_arrays

BLOCKS = {True: (16, 40), False: (32, 32)}
"""Positions of a block and negatives that they share, for skip-gram and for CBOW."""

LINES_OF_METRICS = 20
"""Lines of metrics an epoch."""


class Word2Vec:
    """Word vectors by word2vec, with the names of gensim's class.

    Parameters
    ----------
    vector_size : int
    window : int
        Most words on either side of a word. Windows stop at the ends of sentences.
    sg : bool
        Skip-gram; otherwise CBOW, which is faster and on small texts worse.
    negative : int
        Words drawn against each positive pair; 0 for a full softmax, whose time grows with the vocabulary.
    cbow_mean : bool
        CBOW predicts from the mean of the vectors in a window; otherwise from their sum.
    whole_steps : bool
        CBOW by the mean moves each word of a window by the whole gradient of the mean, as word2vec's code and gensim
        do. Otherwise by its share, which is the derivative: vectors then learn more slowly, and were worse in
        similarity at every learning rate that was tried.
    sample : float
        Words with a larger share of the text than this are left out at random; 0: none. Useful: 1e-3 to 1e-5.
    min_count : int
        Words that occur less often have no vector.
    max_vocab_size : int, optional
        Bound of the words held while counting, and of the vocabulary: the rarest go.
    ns_exponent : float
        Negatives are drawn with the words' counts to this power.
    shrink_windows : bool
        Draw the window of each position from 1 to `window`, so that near words count more.
    alpha, min_alpha : float
        Learning rate of a pair at the beginning, and at the end of the run, between which it falls in a line.
    epochs : int or float
    phrases : int
        How many times pairs of words that belong together are joined (new_york) before training; 0: not at all.
    phrase_threshold : float
        Score above which a pair is a phrase.
    level, lines, lowercase : str, bool, bool
        How text and files become words: see `portnn.text.Sentences`. Lists of words are taken as they are.
    batch_size, block_size, shared_negatives : int
        Positions of a step, of a block, and negatives that a block shares. Larger steps and fewer negatives are faster
        and learn less: see the documentation page on word2vec. By default a step has as many positions as the most
        frequent word can bear, at most 512 for skip-gram and 2048 for CBOW; 16 positions share 40 negatives in
        skip-gram, 32 positions 32 negatives in CBOW.
    seed : int
        One seed gives the same vectors in every process.
    backend : str or Backend
        Array library to train on: see `portnn.backend`.
    device : str, optional
    dtype : {"float32", "float64"}

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
    TypeError, ValueError
        If a setting is of the wrong kind or out of its range.

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
    >>> model = portnn.Word2Vec(vector_size=8, window=2, min_count=1, sample=0, epochs=20)
    >>> model = model.fit(sentences, progress=False)
    >>> {word for word, cosine in model.vectors("sum").most_similar("red", topn=2)} == {"green", "blue"}
    True
    """

    def __init__(
        self,
        vector_size: int = 100,
        window: int = 5,
        *,
        sg: bool = True,
        negative: int = 5,
        cbow_mean: bool = True,
        whole_steps: bool = True,
        sample: float = 1e-3,
        min_count: int = 5,
        max_vocab_size: int | None = None,
        ns_exponent: float = 0.75,
        shrink_windows: bool = True,
        alpha: float = 0.025,
        min_alpha: float = 1e-4,
        epochs: float = 5,
        phrases: int = 0,
        phrase_threshold: float = 10.0,
        level: str = "word",
        lines: bool = True,
        lowercase: bool = True,
        batch_size: int | None = None,
        block_size: int | None = None,
        shared_negatives: int | None = None,
        seed: int = 0,
        backend: str | Backend = "numpy",
        device: Any = None,
        dtype: str = "float32",
    ) -> None:
        sg, cbow_mean = switch("sg", sg), switch("cbow_mean", cbow_mean)  # gensim says 0 and 1
        block_size = BLOCKS[sg][0] if block_size is None else block_size
        shared_negatives = BLOCKS[sg][1] if shared_negatives is None else shared_negatives
        self.network = {
            "vector_size": plain(vector_size), "window": plain(window), "sg": sg, "cbow_mean": cbow_mean,
            "whole_steps": switch("whole_steps", whole_steps),
        }  # fmt: skip
        self.windows = {
            "negative": plain(negative), "sample": float(number("sample", sample)),
            "ns_exponent": float(number("ns_exponent", ns_exponent)),
            "shrink_windows": switch("shrink_windows", shrink_windows), "batch_size": plain(batch_size),
            "block_size": plain(block_size), "shared_negatives": plain(shared_negatives),
        }  # fmt: skip
        self.corpus = WordCorpus(min_count, max_vocab_size, phrases, phrase_threshold, level, lines, lowercase)
        WindowBatches(  # this and the next refuse what makes no sense before any work
            np.zeros(1, np.uint8), np.ones(1), 1, window=self.network["window"], sg=sg,
            **{**self.windows, "batch_size": 1 if batch_size is None else self.windows["batch_size"]},
        )  # fmt: skip
        WordVectors(1, negative=negative > 0, **self.network)
        alpha, min_alpha = number("alpha", alpha), number("min_alpha", min_alpha)
        if not 0.0 < alpha < math.inf:
            raise ValueError(f"alpha must be a positive number, got {alpha}")
        if not 0.0 <= min_alpha <= alpha:
            raise ValueError(f"min_alpha must be in [0, {alpha}], at most alpha, got {min_alpha}")
        total_steps(None, number("epochs", epochs), 1)
        self.alpha, self.min_alpha, self.epochs, self.seed = alpha, min_alpha, plain(epochs), as_seed(seed)
        self.backend = as_backend(backend, device, dtype)
        self.model: WordVectors | None = None
        self.params: Parameters | None = None
        self.vocabulary: WordVocabulary | None = None
        self.metrics: list[Metrics] = []
        self.epoch_losses: list[float] = []
        self.steps_per_epoch = 0
        self.fits = 0
        self._keyed: dict[str, KeyedVectors] = {}

    def fit(
        self,
        sentences: SentencesLike,
        *,
        epochs: float | None = None,
        steps: int | None = None,
        update_vocabulary: bool = False,
        encoding: str = "utf-8",
        optimizer: str | Optimizer = "sgd",
        checkpoint_every: int | None = None,
        out: str | os.PathLike[str] | None = None,
        resume: bool = False,
        overwrite: bool = False,
        callbacks: Sequence[Callback] = (),
        progress: bool = True,
    ) -> Word2Vec:
        """Learn vectors. A model that has been fitted is trained further, from `alpha` down again.

        Parameters
        ----------
        sentences : str, Path, sequence of Paths, or iterable of lists of str
            A str is the text itself; a Path a file, compressed or not, or a folder. An iterable is gone through
            several times, so it must start anew each time: a list, or an object of a class with ``__iter__``.
        epochs, steps : float, int, optional
            How long, in all (with `resume` too), in place of the `epochs` given at first.
        update_vocabulary : bool
            Training further: add the new words that are frequent enough. Otherwise they are left out.
        encoding : str
            Of files.
        optimizer : str or Optimizer
            "sgd", "adagrad" or "adam": one that can move single rows.
        checkpoint_every : int, optional
            In steps; by default once an epoch.
        out : path, optional
            Where the model is kept while it is trained: a file whose name ends in .safetensors, or a folder.
        resume : bool
            Go on with the run in `out`, bit for bit; if it is not there, start. To other `epochs` or `steps` than at
            first the learning rate falls anew, from what it would be there in a run of that length.
        overwrite : bool
            Replace the run in `out`; without it, that is an error.
        callbacks : sequence of Callback
        progress : bool
            Show progress on stderr.

        Returns
        -------
        Word2Vec
            Itself.

        Raises
        ------
        TypeError
            If the sentences can be read only once, or one of them is no list of words.
        ValueError
            If they are empty, have no frequent word, or are shorter than the window; if `sample` leaves nothing to
            learn, or `ns_exponent` is too large for their counts; or a checkpoint does not fit.
        DivergenceError
            If the loss is not finite or explodes.
        """
        epochs = self.epochs if epochs is None and steps is None else epochs
        total_steps(steps, epochs, 1)  # like the next, refused before the text is read
        if not as_optimizer(optimizer).takes_rows:
            raise ValueError(f"optimizer {optimizer!r} moves all vectors at every step; take sgd, adagrad or adam")
        folder, saved = open_run(out, resume=resume, overwrite=overwrite, estimator="Word2Vec")
        known, fits = self.vocabulary, self.fits
        if saved is not None:
            self._check_same(saved[1], optimizer)
            known, fits = saved_vocabulary(saved[0]), saved[1]["fit"]["fits"]
        window = self.network["window"]
        vocabulary, words = self.corpus.read(
            sentences, encoding, window=window, known=known, update=update_vocabulary and saved is None,
            progress=progress,
        )  # fmt: skip
        text = {"name": words.name, "words": words.words, "sha256": words.sha256}
        if saved is not None:
            check_same_data(saved[1], text, "text", "words")
        self._check_counts(vocabulary, words)
        model = WordVectors(len(vocabulary), negative=self.windows["negative"] > 0, **self.network)
        source = WindowBatches(
            words.ids, vocabulary.counts, words.words, window=window, sg=self.network["sg"],
            seed=(self.seed, fits, 1), release=words.release,
            **{**self.windows, "batch_size": self.batch_size_for(vocabulary)},
        )  # fmt: skip
        total = total_steps(steps, epochs, source.batches)
        plan = Plan(
            optimizer=as_optimizer(optimizer),
            schedule=Linear(self.alpha, total, end=self.min_alpha),
            mean_over="epoch",
            log_every=max(1, source.batches // LINES_OF_METRICS),
            evaluate_every=source.batches,
            checkpoint_every=source.batches if checkpoint_every is None else checkpoint_every,
        )
        rng = np.random.default_rng((self.seed, fits))  # batches are drawn with a third number
        params = self._first_params(model, vocabulary, rng)
        self.metrics, self.epoch_losses, self.steps_per_epoch = [], [], source.batches
        trainer = Trainer(
            model=model,
            source=source,
            plan=plan,
            backend=self.backend,
            params=params,
            rng=rng,
            folder=None if folder is None else folder.path,
            facts={
                **self._facts(model, fits + 1),
                "fit": {
                    **self.windows, "alpha": self.alpha, "min_alpha": self.min_alpha, "steps": total, "fits": fits,
                    "seed": self.seed, "optimizer": plan.optimizer.to_json(), "encoding": encoding, "text": text,
                    "checkpoint_every": plan.checkpoint_every,
                },
            },
            constants=vocabulary_arrays(vocabulary.words, vocabulary.counts),
            callbacks=callbacks,
            on_metrics=self._note(source.batches),
            loss_unit="nats per pair",
            quiet=not progress,
        )  # fmt: skip
        if saved is not None:
            trainer.restore(*saved)
        self._keyed = {}
        diverged = False
        try:
            self.history = trainer.run(total)
        except DivergenceError:
            diverged = True
            raise
        finally:
            source.close()
            if not diverged:  # else the model stays what it was before
                self.model, self.vocabulary, self.params = model, vocabulary, trainer.state.params
                self.fits = fits + 1
        return self

    @property
    def wv(self) -> KeyedVectors:
        """Words and their input vectors, on the backend."""
        return self.vectors("input")

    def vectors(self, table: str = "input") -> KeyedVectors:
        """Words and their vectors out of one table, on the backend.

        Parameters
        ----------
        table : {"input", "output", "sum"}
            The sum of both is what the exercise of Stanford's CS224d takes.

        Raises
        ------
        ValueError
            If there is no such table, or the model has not been fitted.
        """
        _, params, vocabulary = self._fitted()
        if table not in ("input", "output", "sum"):
            raise ValueError(f"vectors: no table {table!r}; expected input, output or sum")
        if table not in self._keyed:
            array = params["input"] + params["output"] if table == "sum" else params[table]
            self._keyed[table] = KeyedVectors(vocabulary.words, array, vocabulary.counts)
        return self._keyed[table]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model, without any training state, as a checkpoint that `portnn.load` reads anywhere."""
        model, params, vocabulary = self._fitted()
        arrays = {f"params.{name}": self.backend.to_host(array) for name, array in params.items()}
        save_checkpoint(
            path, {**arrays, **vocabulary_arrays(vocabulary.words, vocabulary.counts)}, self._facts(model, self.fits)
        )

    @classmethod
    def from_checkpoint(cls, arrays: dict[str, Any], facts: dict[str, Any], where: Backend) -> Word2Vec:
        """Build the model that a checkpoint holds, on a backend."""
        configuration = dict(facts["model"])
        vocabulary = saved_vocabulary(arrays)
        if configuration.pop("vocabulary_size") != len(vocabulary):
            raise CheckpointError("the checkpoint's vocabulary does not fit its vectors")
        configuration.pop("negative")
        found = cls(**configuration, **facts["corpus"], **facts["settings"], backend=where)
        found.vocabulary, found.fits = vocabulary, facts["fits"]
        found.model = WordVectors(len(vocabulary), negative=found.windows["negative"] > 0, **configuration)
        found.params = tree_map(where.asarray, checked_params(arrays, found.model))
        return found

    def batch_size_for(self, vocabulary: WordVocabulary) -> int:
        """Positions of a step: as said, or what a vocabulary bears."""
        chosen: int | None = self.windows["batch_size"]
        if chosen is not None:
            return chosen
        about = {name: self.windows[name] for name in ("negative", "sample", "shrink_windows", "ns_exponent")}
        window, sg = self.network["window"], self.network["sg"]
        return steady_batch_size(vocabulary.counts, window=window, sg=sg, alpha=self.alpha, **about)

    def _check_counts(self, vocabulary: WordVocabulary, words: WordIds) -> None:
        """Refuse settings that leave nothing to draw from, or nothing to learn, in the text at hand."""
        exponent, sample = self.windows["ns_exponent"], self.windows["sample"]
        with np.errstate(over="ignore"):
            powers = float(np.sum(np.asarray(vocabulary.counts, np.float64) ** exponent))
        if not 0.0 < powers < math.inf:
            raise ValueError(
                f"ns_exponent is {exponent:g}, and counts of up to {np.max(vocabulary.counts):,} to that power are not "
                "finite; usual is 0.75"
            )
        kept = float(np.average(chance_to_keep(vocabulary.counts, sample), weights=vocabulary.counts))
        # A word that is kept has a pair with each other that is kept in its sentence, at most.
        if sample and kept * kept * words.words * (words.longest - 1) < 1.0:
            raise ValueError(
                f"sample is {sample:g}, which leaves {kept * words.words:.2g} of {words.words:,} words, too few for a "
                "single pair in an epoch; give a larger sample, or 0 to keep every word"
            )

    def _note(self, batches: int) -> Any:
        """Callback that keeps every line of metrics, and of each epoch the last."""

        def note(line: Metrics) -> None:
            self.metrics.append(line)
            if line["step"] % batches == 0:
                self.epoch_losses.append(line["loss"])

        return note

    def _first_params(self, model: WordVectors, vocabulary: WordVocabulary, rng: np.random.Generator) -> Parameters:
        """Parameters to start from: those that are there, copied, since training writes to them; new for new words."""
        before = 0 if self.params is None else len(self.vocabulary or ())
        drawn = replace(model, vocabulary_size=max(1, len(vocabulary) - before)).init(rng)
        asarray, xp = self.backend.asarray, self.backend.xp
        if self.params is None:
            return tree_map(asarray, drawn)  # type: ignore[no-any-return]
        if len(vocabulary) == before:
            return {name: xp.asarray(table, copy=True) for name, table in self.params.items()}
        return {name: xp.concat([table, asarray(drawn[name])]) for name, table in self.params.items()}

    def _facts(self, model: WordVectors, fits: int) -> dict[str, Any]:
        return {
            "estimator": "Word2Vec",
            "model": asdict(model),
            "corpus": asdict(self.corpus),
            "settings": {
                **self.windows, "alpha": self.alpha, "min_alpha": self.min_alpha, "epochs": self.epochs,
                "seed": self.seed,
            },
            "fits": fits,
            "dtype": self.backend.dtype,
        }  # fmt: skip

    def _check_same(self, facts: dict[str, Any], optimizer: str | Optimizer) -> None:
        """Refuse to resume a run that was another one."""
        check_same_settings(
            facts, **self.network, **asdict(self.corpus), **self.windows, alpha=self.alpha, min_alpha=self.min_alpha,
            seed=self.seed, dtype=self.backend.dtype, optimizer=as_optimizer(optimizer).to_json(),
        )  # fmt: skip

    def _fitted(self) -> tuple[WordVectors, Parameters, WordVocabulary]:
        if self.model is None or self.params is None or self.vocabulary is None:
            raise ValueError("this Word2Vec has not been fitted yet; call fit, or portnn.load a checkpoint")
        return self.model, self.params, self.vocabulary
