"""`CharRNN`: train a character RNN on text, sample from it, measure it, keep it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from portnn.backends import Backend, backend, generator, tree_flatten, tree_map
from portnn.estimators.evaluation import Evaluation, LanguageEvaluator, as_evaluation
from portnn.estimators.sampling import sample_text
from portnn.models import Parameters, RecurrentLM
from portnn.optimizers import Optimizer, optimizer
from portnn.schedules import Schedule, schedule
from portnn.text import Corpus, Vocabulary, read_corpus
from portnn.training import (
    Callback,
    CheckpointError,
    ChunkStreams,
    Plan,
    Trainer,
    load_checkpoint,
    save_checkpoint,
)

Source = str | bytes | os.PathLike[str] | Sequence[os.PathLike[str]]

HELD_OUT_LIMIT = 100_000
"""Held-out loss is measured on the first so many held-out tokens, to bound its time."""


class CharRNN:
    """Recurrent language model over characters, bytes or words.

    Parameters
    ----------
    cell : {"lstm", "gru", "rnn"}
    hidden_size : int
    num_layers : int
    dropout : float in [0, 1)
        Rate at which each layer's output is dropped in training.
    level : {"char", "byte", "word", "jieba"}
        What a token is. "byte" reads any file; "jieba" cuts Chinese text into words.
    min_count : int
        Tokens that occur less often become one unknown token.
    init_scale : float, optional
        Standard deviation of normal initial weights; without it they are uniform, as in PyTorch.
    seed : int
        Of the initial weights and of dropout.
    backend : str or Backend
        Array library to train on: see `portnn.backend`.
    device : str, optional
    dtype : {"float32", "float64"}

    Attributes
    ----------
    model : RecurrentLM
        The network's configuration, once the vocabulary is known.
    params : dict of str to array
        Its parameters, on the backend.
    vocabulary : Vocabulary

    Examples
    --------
    >>> import portnn
    >>> model = portnn.CharRNN(cell="gru", hidden_size=16, seed=1)
    >>> _ = model.fit("to be or not to be " * 30, steps=80, batch_size=4, seq_length=16, progress=False)
    >>> len(model.sample(20, prime="to "))
    23
    """

    def __init__(
        self,
        cell: str = "lstm",
        hidden_size: int = 128,
        num_layers: int = 1,
        dropout: float = 0.0,
        *,
        level: str = "char",
        min_count: int = 1,
        init_scale: float | None = None,
        seed: int = 0,
        backend: str | Backend = "numpy",
        device: Any = None,
        dtype: str = "float32",
    ) -> None:
        RecurrentLM(1, cell, hidden_size, num_layers, dropout)  # refuses what makes no sense before any work
        self.network = {
            "cell": cell, "hidden_size": hidden_size, "num_layers": num_layers, "dropout": float(dropout)
        }  # fmt: skip
        self.level, self.min_count, self.init_scale, self.seed = level, min_count, init_scale, seed
        self.backend = as_backend(backend, device, dtype)
        self.rng = generator(seed)
        self.model: RecurrentLM | None = None
        self.params: Parameters | None = None
        self.vocabulary: Vocabulary | None = None

    def fit(
        self,
        source: Source,
        *,
        steps: int | None = None,
        epochs: float | None = None,
        encoding: str = "utf-8",
        batch_size: int = 32,
        seq_length: int = 64,
        optimizer: str | Optimizer = "adam",
        learning_rate: float = 2e-3,
        schedule: str | Schedule = "constant",
        clip_norm: float | None = 5.0,
        clip_value: float | None = None,
        smoothing: float | None = None,
        held_out: float = 0.05,
        log_every: int = 10,
        evaluate_every: int = 200,
        checkpoint_every: int = 200,
        out: str | os.PathLike[str] | None = None,
        resume: bool = False,
        callbacks: Sequence[Callback] = (),
        progress: bool = True,
    ) -> CharRNN:
        """Train by truncated backpropagation through time. A model that has been fitted is trained further.

        Parameters
        ----------
        source : str, bytes, path or sequence of paths
            A str is the text itself; files are given as `pathlib.Path`.
        steps, epochs : int, float, optional
            How long, in all (with `resume` too): one of them. Without either, 10 epochs.
        encoding : str
            Of files.
        batch_size, seq_length : int
            Parallel streams, and tokens a chunk.
        optimizer : str or Optimizer
        learning_rate : float
        schedule : str or Schedule
            "constant", "halving", "linear", "exponential" or "cosine" over the steps of this run.
        clip_norm, clip_value : float, optional
        smoothing : float, optional
            Report an exponentially smoothed loss.
        held_out : float in [0, 1)
            The last fraction of the text is not trained on but measured.
        log_every, evaluate_every, checkpoint_every : int
            In steps.
        out : path, optional
            Folder for last.safetensors, best.safetensors and metrics.jsonl.
        resume : bool
            Go on from out/last.safetensors, bit for bit; if it is not there, start.
        callbacks : sequence of Callback
        progress : bool
            Show progress on stderr.

        Returns
        -------
        CharRNN
            Itself.

        Raises
        ------
        ValueError
            If the text is too short, a setting is out of range, or a checkpoint does not fit.
        DivergenceError
            If the loss is not finite or explodes.
        """
        if steps is not None and epochs is not None:
            raise ValueError("give steps or epochs, not both")
        saved = None
        if resume:
            if out is None:
                raise ValueError("resume needs out, the folder of the run to go on with")
            if (Path(out) / "last.safetensors").exists():
                saved = load_checkpoint(Path(out) / "last.safetensors")
                self._check_same(saved[1], batch_size=batch_size, seq_length=seq_length, optimizer=optimizer)
                self.vocabulary = Vocabulary.from_json(saved[1]["vocabulary"])
        corpus = read_corpus(
            source, level=self.level, encoding=encoding, min_count=self.min_count, vocabulary=self.vocabulary
        )
        self._settle(corpus)
        assert self.model is not None and self.params is not None and self.vocabulary is not None
        train_ids, held_out_ids = corpus.split(held_out)
        streams = ChunkStreams(
            train_ids, batch_size=batch_size, seq_length=seq_length,
            layers=self.model.num_layers, hidden_size=self.model.hidden_size, rate=self.model.dropout,
        )  # fmt: skip
        total = total_steps(steps, epochs, streams.batches)
        plan = Plan(
            optimizer=as_optimizer(optimizer),
            schedule=as_schedule(schedule, learning_rate, total),
            clip_norm=clip_norm,
            clip_value=clip_value,
            log_every=log_every,
            evaluate_every=evaluate_every,
            checkpoint_every=checkpoint_every,
            smoothing=smoothing,
        )
        held_out_ids = held_out_ids[:HELD_OUT_LIMIT]
        trainer = Trainer(
            model=self.model,
            source=streams,
            plan=plan,
            backend=self.backend,
            params=self.params,
            rng=self.rng,
            held_out=LanguageEvaluator(self.model, self.backend, held_out_ids) if len(held_out_ids) > 1 else None,
            folder=None if out is None else Path(out),
            facts={
                **self._facts(),
                "fit": {
                    "batch_size": batch_size, "seq_length": seq_length, "held_out": held_out, "steps": total,
                    "optimizer": plan.optimizer.to_json(), "learning_rate": learning_rate,
                    "schedule": schedule if isinstance(schedule, str) else plan.schedule.to_json(),
                    "clip_norm": clip_norm, "clip_value": clip_value, "smoothing": smoothing,
                    "evaluate_every": evaluate_every, "checkpoint_every": checkpoint_every,
                    "text": [corpus.name, len(corpus)],
                },
            },
            callbacks=callbacks,
            quiet=not progress,
        )  # fmt: skip
        if saved is not None:
            trainer.restore(*saved)
        try:
            self.history = trainer.run(total)
        finally:
            self.params, self.rng = trainer.state.params, trainer.rng
        return self

    def sample(
        self,
        length: int,
        *,
        prime: str = "",
        temperature: float = 1.0,
        top_k: int | None = None,
        stop: str | None = None,
        seed: int = 0,
    ) -> str:
        """Draw text. One seed gives the same text run after run.

        Parameters
        ----------
        length : int
            Tokens to draw.
        prime : str
            Text to go on from; it stands at the beginning of the result.
        temperature : float
            Below 1 bolder in what is likely, above 1 more varied; 0 always takes the likeliest.
        top_k : int, optional
            Draw among the k likeliest tokens only.
        stop : str, optional
            End before this text.
        seed : int

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If the prime text has characters the model does not know, or a number is out of range.
        """
        return prime + "".join(
            self.stream(length, prime=prime, temperature=temperature, top_k=top_k, stop=stop, seed=seed)
        )

    def stream(self, length: int, **options: Any) -> Iterator[str]:
        """Like `sample`, without the prime text and piece by piece as it is drawn."""
        model, params, vocabulary = self._fitted()
        return sample_text(model, params, vocabulary, self.backend, length=length, **options)

    def evaluate(self, source: Source, *, encoding: str = "utf-8") -> Evaluation:
        """Mean cross-entropy per token of a text, in nats and bits.

        Parameters
        ----------
        source : str, bytes, path or sequence of paths
        encoding : str

        Returns
        -------
        Evaluation
        """
        model, params, vocabulary = self._fitted()
        corpus = read_corpus(source, encoding=encoding, vocabulary=vocabulary)
        evaluator = LanguageEvaluator(model, self.backend, corpus.ids)
        return as_evaluation(evaluator(params), evaluator.predicted)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model, without any training state, as a checkpoint that `portnn.load` reads anywhere."""
        _, params, _ = self._fitted()
        arrays = {name: self.backend.to_host(array) for name, array in tree_flatten(params, "params")}
        save_checkpoint(path, arrays, self._facts())

    @classmethod
    def from_checkpoint(cls, arrays: dict[str, Any], facts: dict[str, Any], where: Backend) -> CharRNN:
        """Build the model that a checkpoint holds, on a backend."""
        configuration = dict(facts["model"])
        vocabulary = Vocabulary.from_json(facts["vocabulary"])
        if configuration.pop("vocabulary_size") != len(vocabulary):
            raise CheckpointError("the checkpoint's vocabulary does not fit its weights")
        found = cls(**configuration, **facts["corpus"], backend=where)
        found.vocabulary, found.model = vocabulary, RecurrentLM(len(vocabulary), **configuration)
        host = {name: arrays.get(f"params.{name}") for name in found.model.shapes()}
        for name, shape in found.model.shapes().items():
            array = host[name]
            if array is None or array.shape != shape:
                raise CheckpointError(f"the checkpoint's {name} does not fit its configuration, expected {shape}")
            if not np.all(np.isfinite(array)):
                raise CheckpointError(f"the checkpoint's {name} holds NaN or infinity")
        found.params = tree_map(where.asarray, host)
        return found

    def _settle(self, corpus: Corpus) -> None:
        """Make the network and its first parameters, unless they are there."""
        if self.model is None or self.params is None:
            self.vocabulary = corpus.vocabulary
            self.model = RecurrentLM(len(corpus.vocabulary), **self.network)  # type: ignore[arg-type]
            self.params = tree_map(self.backend.asarray, self.model.init(self.rng, self.init_scale))

    def _facts(self) -> dict[str, Any]:
        model, _, vocabulary = self._fitted()
        return {
            "estimator": "CharRNN",
            "model": asdict(model),
            "vocabulary": vocabulary.to_json(),
            "corpus": {"level": self.level, "min_count": self.min_count, "init_scale": self.init_scale,
                       "seed": self.seed},
            "dtype": self.backend.dtype,
        }  # fmt: skip

    def _check_same(self, facts: dict[str, Any], *, optimizer: str | Optimizer, **sizes: int) -> None:
        """Refuse to resume a run that was another one."""
        if facts.get("estimator") != "CharRNN":
            raise CheckpointError(f"the checkpoint holds a {facts.get('estimator')}, expected a CharRNN")
        if "fit" not in facts:
            raise CheckpointError("the checkpoint holds a model but no training state, so there is nothing to resume")
        now = {**self.network, "level": self.level, "dtype": self.backend.dtype, **sizes,
               "optimizer": as_optimizer(optimizer).to_json()}  # fmt: skip
        then = {**facts["model"], **facts["corpus"], "dtype": facts["dtype"], **facts["fit"]}
        for name, value in now.items():
            if then[name] != value:
                raise CheckpointError(f"cannot resume: the checkpoint has {name} {then[name]!r}, not {value!r}")

    def _fitted(self) -> tuple[RecurrentLM, Parameters, Vocabulary]:
        if self.model is None or self.params is None or self.vocabulary is None:
            raise ValueError("this CharRNN has not been fitted yet; call fit, or portnn.load a checkpoint")
        return self.model, self.params, self.vocabulary


def as_backend(chosen: str | Backend, device: Any, dtype: str) -> Backend:
    """Backend itself, or the one of a name."""
    return chosen if isinstance(chosen, Backend) else backend(chosen, device=device, dtype=dtype)


def as_optimizer(chosen: str | dict[str, Any] | Optimizer) -> Optimizer:
    """Optimizer itself, or the one of a name or of a record that its `to_json` made."""
    if isinstance(chosen, dict):
        return optimizer(**chosen)
    return chosen if isinstance(chosen, Optimizer) else optimizer(chosen)


def as_schedule(chosen: str | dict[str, Any] | Schedule, learning_rate: float, total: int) -> Schedule:
    """Schedule itself, or the one of a name or of a record that its `to_json` made."""
    if isinstance(chosen, dict):
        return Schedule.from_json(chosen)
    return chosen if isinstance(chosen, Schedule) else schedule(chosen, learning_rate, total)


def total_steps(steps: int | None, epochs: float | None, batches: int) -> int:
    """Length of a run in steps."""
    if steps is not None:
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise ValueError(f"steps must be a positive whole number, got {steps!r}")
        return steps
    epochs = 10.0 if epochs is None else epochs
    if not (math.isfinite(epochs) and epochs > 0):
        raise ValueError(f"epochs must be positive, got {epochs}")
    return max(1, round(epochs * batches))


