"""`CharRNN`: train a character RNN on text, sample from it, evaluate it, save it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Self

from portnn.backends import Backend, generator, tree_map
from portnn.batches import ChunkStreams
from portnn.checkpoints import Arrays, CheckpointError
from portnn.estimators.data_facts import text_facts
from portnn.estimators.estimator import EstimatorSettings, Recipe, as_backend
from portnn.estimators.evaluation import LanguageEvaluator
from portnn.estimators.language_model import LanguageModel
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.run_settings import DealtSettings, RunSettings, ScheduledRunSettings
from portnn.estimators.running import Saved, Task, run
from portnn.groups import ALONE, Group, machine_by_machine
from portnn.models import RecurrentLM
from portnn.ops import CELLS
from portnn.settings import FIXED, OneOf, Settings, documented, fraction, positive, settings_call, text_call
from portnn.text import LEVELS, Vocabulary, files_of, read_corpus, tokenizer

HELD_OUT_LIMIT = 100_000
"""Held-out loss is measured on this many held-out tokens at most, to bound its time."""


@dataclass(frozen=True)
class CharRNNSettings(EstimatorSettings):
    """Settings of `CharRNN`."""

    cell: Annotated[str, OneOf(CELLS), FIXED, "Recurrent cell."] = "lstm"
    hidden_size: Annotated[int, positive, FIXED, "Units in each layer."] = 128
    num_layers: Annotated[int, positive, FIXED, "Recurrent layers."] = 1
    dropout: Annotated[float, fraction, FIXED, "Fraction of each layer's outputs that is dropped in training."] = 0.0
    _: KW_ONLY
    level: Annotated[
        str, OneOf(LEVELS), FIXED, 'Token: "byte" reads any file, "jieba" cuts Chinese text into words.'
    ] = "char"
    min_count: Annotated[int, positive, "Tokens that occur less often become one unknown token."] = 1
    init_scale: Annotated[
        float | None,
        positive,
        "Standard deviation of normal initial weights; None draws them uniformly, as PyTorch does.",
    ] = None


@dataclass(frozen=True, kw_only=True)
class CharRNNRun(ScheduledRunSettings, DealtSettings):
    """Settings of `CharRNN.fit`."""

    encoding: Annotated[str, "Encoding of files: utf-8, gb18030, latin-1 ..."] = "utf-8"
    batch_size: Annotated[int, positive, FIXED, "Parallel streams."] = 32
    seq_length: Annotated[int, positive, FIXED, "Tokens in a chunk."] = 64
    held_out: Annotated[
        float, fraction, FIXED, "Fraction at the end of the text that is measured and not trained on."
    ] = 0.05
    learning_rate: float = 2e-3
    clip_norm: float | None = 5.0
    log_every: int = 10
    evaluate_every: int = 200
    checkpoint_every: int = 200


@documented(CharRNNSettings)
class CharRNN(LanguageModel[CharRNNSettings]):
    """Recurrent language model over characters, bytes or words.

    Parameters
    ----------
    {settings}

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

    SETTINGS: ClassVar[type[Settings]] = CharRNNSettings
    RUN: ClassVar[type[RunSettings]] = CharRNNRun
    RECIPES: ClassVar[dict[str, Recipe]] = {
        # https://gist.github.com/karpathy/d4dee566867f8291f086
        "min-char-rnn": Recipe(
            {"cell": "rnn", "hidden_size": 100, "num_layers": 1, "dropout": 0.0, "init_scale": 0.01},
            {
                "batch_size": 1,
                "seq_length": 25,
                "optimizer": "adagrad",
                "learning_rate": 0.1,
                "schedule": "constant",
                # Karpathy's loss is the sum over 25 characters, with gradients clipped to 5; ours is the mean.
                "clip_value": 5.0 / 25.0,
                "clip_norm": None,
                "smoothing": 0.999,
            },
        ),
        "quick": Recipe(
            {"cell": "gru", "hidden_size": 128},
            {
                "batch_size": 16,
                "learning_rate": 8e-3,
                "steps": 2500,
                "evaluate_every": 250,
                "checkpoint_every": 250,
            },
        ),
    }

    @settings_call(CharRNNSettings)
    def __init__(self, settings: CharRNNSettings) -> None:
        super().__init__(settings, as_backend(settings.backend, settings.device, settings.dtype))

    @text_call(CharRNNRun)
    def fit(self, source: Any, *, settings: CharRNNRun) -> Self:
        """Train by truncated backpropagation through time. A model that has been fitted is trained further.

        Parameters
        ----------
        source : str, bytes, path or sequence of paths
            A str is the text itself; a `pathlib.Path` a file, compressed or not, a folder, or "-", standard input.
        {settings}

        Returns
        -------
        CharRNN
            Itself.

        Raises
        ------
        ValueError
            If the text is too short or the name of a file, a setting is out of range, or a checkpoint does not fit.
        DivergenceError
            If the loss is not finite or explodes. The model is then as it was before.
        WorkerError
            If a worker process cannot start, failed or is gone.
        """
        run(self, settings, lambda saved, group: self._task(source, settings, saved, group))
        return self

    def _task(self, source: Any, settings: CharRNNRun, saved: Saved | None, group: Group) -> Task:
        assert self.backend is not None
        backend, known = self.backend, self.vocabulary
        if saved is not None:
            if known is not None and known.to_json() != saved[1]["vocabulary"]:
                raise CheckpointError(
                    "cannot resume: this model was fitted with another vocabulary than the checkpoint's"
                )
            known = Vocabulary.from_json(saved[1]["vocabulary"])
        dealt = group if settings.sharded else ALONE
        read = partial(
            read_corpus,
            files_of(source, group) if settings.sharded else source,
            level=self.settings.level,
            encoding=settings.encoding,
            min_count=self.settings.min_count,
            vocabulary=known,
            group=dealt,
        )
        corpus = read() if settings.sharded else machine_by_machine(group, read)
        model = self.model or self._network(corpus.vocabulary)
        train_ids, held_out_ids = corpus.split(settings.held_out)
        held_out_ids = held_out_ids[:HELD_OUT_LIMIT]
        streams = ChunkStreams(
            train_ids,
            batch_size=settings.batch_size,
            seq_length=settings.seq_length,
            vocabulary_size=model.vocabulary_size,
            layers=model.num_layers,
            hidden_size=model.hidden_size,
            dropout=model.dropout,
            seed=self.settings.seed,
            release=corpus.release,
            group=dealt,
            unit=tokenizer(corpus.vocabulary.level).unit,
        )
        params = self.params
        if params is None:
            params = tree_map(backend.asarray, model.init(generator(self.settings.seed), self.settings.init_scale))
        return Task(
            model=model,
            batches=streams,
            params=params,
            backend=backend,
            data=text_facts(corpus, dealt),
            held_out=LanguageEvaluator(model, backend, held_out_ids) if len(held_out_ids) > 1 else None,
            attributes={"vocabulary": corpus.vocabulary},
            width=len(CELLS[model.cell].gates) * model.hidden_size,
        )

    @classmethod
    def from_checkpoint(cls, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> Self:
        """Build the model that a checkpoint holds, on a backend."""
        vocabulary = Vocabulary.from_json(facts["vocabulary"])
        if facts["model"]["vocabulary_size"] != len(vocabulary):
            raise CheckpointError("the checkpoint's vocabulary does not fit its weights")
        made = cls(**cls.SETTINGS.among(facts["settings"]), backend=backend)
        if made.settings.num_layers > len(arrays):
            raise CheckpointError(f"the checkpoint has {len(arrays)} arrays, too few for its number of layers")
        made.vocabulary, made.model = vocabulary, made._network(vocabulary)
        made.params = tree_map(backend.asarray, checked_params(arrays, made.model))
        return made

    def _network(self, vocabulary: Vocabulary) -> RecurrentLM:
        chosen = self.settings
        return RecurrentLM(len(vocabulary), chosen.cell, chosen.hidden_size, chosen.num_layers, chosen.dropout)

    def _own_facts(self) -> dict[str, Any]:
        return {"vocabulary": self._fitted_vocabulary().to_json()}
