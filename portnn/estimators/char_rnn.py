"""`CharRNN`: train a character RNN on text, sample from it, measure it, keep it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from portnn.backends import Backend, generator, tree_map
from portnn.batches import ChunkStreams
from portnn.checkpoints import CheckpointError
from portnn.estimators.evaluation import LanguageEvaluator
from portnn.estimators.language_model import LanguageModel, Source
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.resuming import check_same_data, check_same_settings, open_run, text_facts
from portnn.estimators.settings import as_backend, as_optimizer, as_schedule, total_steps
from portnn.models import Parameters, RecurrentLM
from portnn.optimizers import Optimizer
from portnn.optimizers.schedules import Schedule
from portnn.text import Vocabulary, read_corpus
from portnn.training import Callback, DivergenceError, Plan, Trainer, check_workers

HELD_OUT_LIMIT = 100_000
"""Held-out loss is measured on the first so many held-out tokens, to bound its time."""


class CharRNN(LanguageModel):
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
        super().__init__(as_backend(backend, device, dtype))
        self.rng = generator(seed)

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
        workers: int = 1,
        held_out: float = 0.05,
        log_every: int = 10,
        evaluate_every: int = 200,
        checkpoint_every: int = 200,
        out: str | os.PathLike[str] | None = None,
        resume: bool = False,
        overwrite: bool = False,
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
            "constant", "linear", "exponential" or "cosine" over the steps of this run.
        clip_norm, clip_value : float, optional
        smoothing : float, optional
            Report an exponentially smoothed loss.
        workers : int
            Processes that share each batch, on NumPy (Linux). Worth it where each has much to do: 16 streams of
            128 units, say. With another number the last digits of a run are others.
        held_out : float in [0, 1)
            The last fraction of the text is not trained on but measured.
        log_every, evaluate_every, checkpoint_every : int
            In steps.
        out : path, optional
            Folder for last.safetensors, best.safetensors and metrics.jsonl.
        resume : bool
            Go on from out/last.safetensors, bit for bit with as many workers; if it is not there, start.
        overwrite : bool
            Replace a run that `out` holds; without it, that is an error.
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
        WorkerError
            If a worker process cannot start, failed or is gone.
        """
        folder, saved = open_run(out, resume=resume, overwrite=overwrite, estimator="CharRNN")
        if saved is not None:
            self._check_same(saved[1], optimizer, batch_size=batch_size, seq_length=seq_length, held_out=held_out)
        known = self.vocabulary if saved is None else Vocabulary.from_json(saved[1]["vocabulary"])
        corpus = read_corpus(source, level=self.level, encoding=encoding, min_count=self.min_count, vocabulary=known)
        text = text_facts(corpus)
        if saved is not None:
            check_same_data(saved[1], text, "text", "tokens")
        model = self.model or RecurrentLM(len(corpus.vocabulary), **self.network)  # type: ignore[arg-type]
        train_ids, held_out_ids = corpus.split(held_out)
        streams = ChunkStreams(
            train_ids, batch_size=batch_size, seq_length=seq_length, vocabulary_size=model.vocabulary_size,
            layers=model.num_layers, hidden_size=model.hidden_size, rate=model.dropout, release=corpus.release,
        )  # fmt: skip
        check_workers(workers, self.backend, batch_size)
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
            workers=workers,
        )
        held_out_ids = held_out_ids[:HELD_OUT_LIMIT]
        params = self._settle(model, corpus.vocabulary)  # nothing was changed before all was found good
        trainer = Trainer(
            model=model,
            source=streams,
            plan=plan,
            backend=self.backend,
            params=params,
            rng=self.rng,
            held_out=LanguageEvaluator(model, self.backend, held_out_ids) if len(held_out_ids) > 1 else None,
            folder=None if folder is None else folder.path,
            facts={
                **self._facts(),
                "fit": {
                    "batch_size": batch_size, "seq_length": seq_length, "held_out": held_out, "steps": total,
                    "optimizer": plan.optimizer.to_json(), "learning_rate": learning_rate,
                    "encoding": encoding,
                    "schedule": schedule if isinstance(schedule, str) else plan.schedule.to_json(),
                    "clip_norm": clip_norm, "clip_value": clip_value, "smoothing": smoothing,
                    "workers": workers,
                    "evaluate_every": evaluate_every, "checkpoint_every": checkpoint_every,
                    "text": text,
                },
            },
            callbacks=callbacks,
            quiet=not progress,
        )  # fmt: skip
        if saved is not None:
            trainer.restore(*saved)
        try:
            self.history = trainer.run(total)
        except DivergenceError:
            trainer.state.params = params  # those that diverged are of no use
            raise
        finally:
            self.params, self.rng = trainer.state.params, trainer.rng
        return self

    @classmethod
    def from_checkpoint(cls, arrays: dict[str, Any], facts: dict[str, Any], where: Backend) -> CharRNN:
        """Build the model that a checkpoint holds, on a backend."""
        configuration = dict(facts["model"])
        vocabulary = Vocabulary.from_json(facts["vocabulary"])
        if configuration.pop("vocabulary_size") != len(vocabulary):
            raise CheckpointError("the checkpoint's vocabulary does not fit its weights")
        found = cls(**configuration, **facts["corpus"], backend=where)
        found.vocabulary, found.model = vocabulary, RecurrentLM(len(vocabulary), **configuration)
        found.params = tree_map(where.asarray, checked_params(arrays, found.model))
        return found

    def _settle(self, model: RecurrentLM, vocabulary: Vocabulary) -> Parameters:
        """Take a network and draw its first parameters, unless they are there."""
        if self.params is None:
            self.vocabulary, self.model = vocabulary, model
            self.params = tree_map(self.backend.asarray, model.init(self.rng, self.init_scale))
        return self.params

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

    def _check_same(self, facts: dict[str, Any], optimizer: str | Optimizer, **settings: Any) -> None:
        """Refuse to resume a run that was another one."""
        check_same_settings(
            facts, **self.network, level=self.level, dtype=self.backend.dtype, **settings,
            optimizer=as_optimizer(optimizer).to_json(),
        )  # fmt: skip
        if self.vocabulary is not None and self.vocabulary.to_json() != facts["vocabulary"]:
            raise CheckpointError("cannot resume: this model was fitted with another vocabulary than the checkpoint's")
