"""`MLP`: train a feed-forward network on a table, predict with it, measure it, keep it."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from portnn.backends import Backend, generator, tree_map
from portnn.checkpoints import CheckpointError, load_checkpoint
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.resuming import check_same_data, check_same_settings, open_run, table_facts
from portnn.estimators.row_evaluation import MONITORS, RowEvaluator
from portnn.estimators.row_learner import RowLearner
from portnn.estimators.settings import as_backend, as_optimizer, as_schedule, plain, total_steps
from portnn.models import FeedForward, Parameters
from portnn.objectives import OBJECTIVES
from portnn.optimizers import Optimizer
from portnn.optimizers.schedules import Schedule
from portnn.tables import Layout
from portnn.tables.holding_out import split_ids, take_rows
from portnn.tables.scaling import Scaling
from portnn.tables.targets import Targets
from portnn.training import Callback, DivergenceError, Metrics, Plan, Progressed, Trainer, check_workers


class MLP(RowLearner):
    """Multilayer perceptron for classification or regression, on the arrays that it is given.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        Units of every hidden layer; empty for a linear model.
    activation : {"relu", "identity", "sigmoid", "tanh", "rbf"}
        Of the hidden layers.
    objective : {"cross_entropy", "binary_cross_entropy", "squared_error"}
        Softmax over classes; one logit for two classes, or for each of several yes-or-no questions; regression.
    l2 : float
        ``l2 / 2`` times the sum of the squared weights (not biases) is added to the mean loss.
    dropout : float in [0, 1)
        Rate at which every hidden layer's output is dropped in training.
    class_weight : dict or "balanced", optional
        Weight of each class label; "balanced" gives all classes the same weight in all.
    standardize : bool
        Bring every input column to mean 0 and standard deviation 1 first; the model keeps both numbers.
    standardize_y : bool
        The same for every column of y, of a regression: predictions are in y's units, losses in squared deviations.
    init_scale : float, optional
        Standard deviation of normal initial weights; see `portnn.models.FeedForward.init` for what is drawn without.
    seed : int
        Of the initial weights, the order of rows, and dropout.
    backend : str or Backend, optional
        Where to train. Without it the X that is first given decides: its library, its device, its dtype.
    device : str, optional
    dtype : {"float32", "float64"}, optional
        Without it that of X (whole numbers take the library's default), or float32 where a backend is named.

    Attributes
    ----------
    model : FeedForward
        The network's configuration, once X and y are known.
    params : dict of str to array
        ``layers.0.weight`` (n_in, n_out), ``layers.0.bias`` (n_out,) and so on, on the backend.
    classes : Classes or None
        ``classes.labels`` are the class labels, sorted.
    metrics : list of Metrics
        What was logged in the last `fit`: dicts with `step`, `loss`, `held_out_loss` and others.
    history : Progressed
        Where the last `fit` ended.
    layout : Layout or None
        How the table stood in its file, for whoever read it from one; checkpoints keep it.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> X = np.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = portnn.MLP((8,), activation="tanh", seed=1)
    >>> model.fit(X, ["no", "yes", "yes", "no"], learning_rate=0.05, epochs=200, progress=False).predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """

    EPOCHS: ClassVar[int] = 100

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        activation: str = "relu",
        objective: str = "cross_entropy",
        *,
        l2: float = 0.0,
        dropout: float = 0.0,
        class_weight: Mapping[Any, float] | str | None = None,
        standardize: bool = False,
        standardize_y: bool = False,
        init_scale: float | None = None,
        seed: int = 0,
        backend: str | Backend | None = None,
        device: Any = None,
        dtype: str | None = None,
    ) -> None:
        sizes = tuple(map(plain, hidden_layer_sizes))
        l2, dropout, seed, init_scale = map(plain, (l2, dropout, seed, init_scale))
        FeedForward((1, *sizes, 1), activation, objective, l2, dropout)  # refuses what makes no sense before any work
        record = OBJECTIVES[objective]
        if class_weight is not None and not record.classifies:
            raise ValueError(f"class_weight is for classifiers, not for {objective}")
        if standardize_y and not record.standardizes:
            raise ValueError(f"standardize_y is for regressions, not for {objective}")
        if not (class_weight is None or class_weight == "balanced" or isinstance(class_weight, Mapping)):
            raise ValueError(f'class_weight must be a dict or "balanced", got {class_weight!r}')
        super().__init__(objective, as_backend(backend, device, dtype or "float32") if backend is not None else None)
        self.network = {"activation": activation, "objective": objective, "l2": float(l2), "dropout": float(dropout)}
        self.hidden_layer_sizes, self.class_weight, self.standardize = sizes, class_weight, bool(standardize)
        self.standardize_y = bool(standardize_y)
        self.init_scale, self.seed, self.dtype = init_scale, seed, dtype
        self.rng = generator(seed)
        self.metrics: list[Metrics] = []
        self.history: Progressed | None = None

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        steps: int | None = None,
        epochs: float | None = None,
        batch_size: int | None = None,
        shuffle: bool = True,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
        schedule: str | Schedule = "constant",
        clip_norm: float | None = None,
        clip_value: float | None = None,
        held_out: float | tuple[Any, ...] = 0.0,
        patience: int | None = None,
        tolerance: float = 0.0,
        divergence_factor: float = 5.0,
        monitor: str = "loss",
        workers: int = 1,
        log_every: int | None = None,
        evaluate_every: int | None = None,
        checkpoint_every: int | None = None,
        out: str | os.PathLike[str] | None = None,
        resume: bool = False,
        overwrite: bool = False,
        callbacks: Sequence[Callback] = (),
        progress: bool = True,
    ) -> Any:
        """Train. A model that has been fitted is trained further, from its weights.

        Parameters
        ----------
        X : array (rows, features)
            Of any array library, or what NumPy makes an array of.
        y : array (rows,) or (rows, n)
            Class labels (numbers or strings), or values of a regression.
        sample_weight : array (rows,), optional
            How much each row counts in the mean loss.
        steps, epochs : int, float, optional
            How long, in all (with `resume` too): one of them. Without either, 100 epochs (a linear model: 1000).
        batch_size : int, optional
            Rows of a mini-batch; without it 64, for a linear model all rows. As many as X has: full batch.
        shuffle : bool
            Draw a new order of rows every epoch.
        optimizer : str or Optimizer
        learning_rate : float, optional
            Without it 0.001, for a linear model 0.1.
        schedule : str or Schedule
            "constant", "linear", "exponential" or "cosine" over the steps of this run.
        clip_norm, clip_value : float, optional
        held_out : float in [0, 1), or tuple (X, y) or (X, y, sample_weight)
            Rows that are not trained on but measured: a fraction drawn by the seed, or others.
        patience : int, optional
            Early stopping: end after so many evaluations in a row without a loss (held out, if there is any) lower
            than the lowest before by `tolerance`. Of a run with held-out rows the best parameters are kept.
        tolerance : float
        divergence_factor : float
            A batch's loss above this multiple of the first (or of 1, where the first is smaller) has diverged.
        monitor : {"loss", "score"}
            What is measured on held-out rows: their mean loss, or 1 - `score`.
        workers : int
            Processes that share each batch, on NumPy (Linux).
        log_every, evaluate_every, checkpoint_every : int, optional
            In steps. Without it: every epoch, but at most some hundred times (evaluation: some twenty, and every
            epoch with `patience`) in a run.
        out : path, optional
            Folder for last.safetensors, best.safetensors and metrics.jsonl.
        resume : bool
            Go on from out/last.safetensors, bit for bit; if it is not there, start.
        overwrite : bool
            Replace a run that `out` holds; without it, that is an error.
        callbacks : sequence of Callback
        progress : bool
            Show progress on stderr.

        Returns
        -------
        MLP
            Itself.

        Raises
        ------
        TypeError
            If X is sparse or of another library than the model.
        ValueError
            If X or y cannot be trained on, a setting is out of range, or a checkpoint does not fit.
        DivergenceError
            If the loss is not finite or explodes.
        """
        if monitor not in MONITORS:
            raise ValueError(f"unknown monitor {monitor!r}; known: {', '.join(MONITORS)}")
        steps, epochs, batch_size, shuffle, learning_rate = map(
            plain, (steps, epochs, batch_size, shuffle, learning_rate)
        )
        clip_norm, clip_value, held_out, patience, tolerance = map(
            plain, (clip_norm, clip_value, held_out, patience, tolerance)
        )
        apart: tuple[Any, ...] = ()
        fraction = 0.0
        if isinstance(held_out, tuple) and len(held_out) in (2, 3):
            apart = (*held_out, None)[:3]
        elif isinstance(held_out, int | float):
            fraction = held_out
        else:
            raise ValueError(f"held_out must be a fraction or a tuple (X, y[, sample_weight]), got {type(held_out)}")
        folder, saved = open_run(out, resume=resume, overwrite=overwrite, estimator=type(self).__name__)
        with self._all_or_nothing():
            self.initialize(X, y, held_out=fraction)
            model, params, where = self._fitted()
            given = self._rows(X, y, sample_weight)
            train_ids, held_ids = split_ids(int(given.x.shape[0]), fraction, seed=self.seed)
            rows, measured = take_rows(given, train_ids, where), None
            if apart:
                measured = self._rows(*apart)
            elif len(held_ids):
                measured = take_rows(given, held_ids, where)
            rows = self._weigh_classes(rows)
            source = self._batches(rows, batch_size, shuffle, self.seed)
            check_workers(workers, where, source.batch_size)
            total = total_steps(steps, epochs, source.batches, default=self.EPOCHS)
            rate = self.LEARNING_RATE if learning_rate is None else learning_rate
            if evaluate_every is None:
                evaluate_every = max(source.batches, 1 if patience else math.ceil(total / 20))
            plan = Plan(
                optimizer=as_optimizer(optimizer),
                schedule=as_schedule(schedule, rate, total),
                clip_norm=clip_norm,
                clip_value=clip_value,
                patience=patience,
                tolerance=tolerance,
                divergence_factor=divergence_factor,
                log_every=max(source.batches, math.ceil(total / 200)) if log_every is None else log_every,
                evaluate_every=evaluate_every,
                checkpoint_every=evaluate_every if checkpoint_every is None else checkpoint_every,
                workers=workers,
            )
            facts = {**self._facts(), "fit": {
                "batch_size": source.batch_size, "shuffle": shuffle, "steps": total, "learning_rate": rate,
                "optimizer": plan.optimizer.to_json(),
                "schedule": schedule if isinstance(schedule, str) else plan.schedule.to_json(),
                "clip_norm": clip_norm, "clip_value": clip_value, "patience": patience, "tolerance": tolerance,
                "workers": workers, "evaluate_every": evaluate_every, "checkpoint_every": plan.checkpoint_every,
                "seed": self.seed, "held_out": fraction, "monitor": monitor,
            }}  # fmt: skip
            if folder is not None:
                facts["fit"]["table"] = table_facts(rows)
                facts["fit"]["measured"] = None if measured is None else table_facts(measured)["sha256"]
            if saved is not None:
                same = ("batch_size", "shuffle", "optimizer", "seed", "held_out", "monitor")
                check_same_settings(
                    saved[1], **facts["model"], dtype=where.dtype, **{name: facts["fit"][name] for name in same}
                )
                check_same_data(saved[1], facts["fit"]["table"], "table", "rows")
                if saved[1]["fit"]["measured"] != facts["fit"]["measured"]:
                    raise CheckpointError("cannot resume: the held-out rows are not those of the checkpoint")
            watched = None
            if measured is not None:
                watched = functools.partial(MONITORS[monitor], RowEvaluator(model, where, measured))
            self.metrics = []
            trainer = Trainer(
                model=model, source=source, plan=plan, backend=where, params=params, rng=self.rng,
                held_out=watched,
                folder=None if folder is None else folder.path, facts=facts, callbacks=callbacks,
                on_metrics=self.metrics.append, loss_unit=OBJECTIVES[self.objective].unit,
                quiet=not progress,
            )  # fmt: skip
            if saved is not None:
                trainer.restore(*saved)
        try:
            trainer.run(total)
        except DivergenceError:
            raise  # what diverged is of no use: parameters and optimizer stay as they were
        except BaseException:
            self._take(trainer)
            raise
        self._take(trainer)
        if patience is not None and measured is not None:
            if trainer.best_params is None and folder is not None and folder.best.exists():  # an earlier run's
                trainer.best_params = self._placed(load_checkpoint(folder.best)[0])
            self.params = trainer.best_params or self.params
        return self

    def _take(self, trainer: Trainer) -> None:
        self.history, self.params, self.rng = trainer.state, trainer.state.params, trainer.rng

    def _settings(self) -> dict[str, Any]:
        chosen: Any = self.class_weight
        if isinstance(chosen, Mapping):  # JSON has no keys but strings
            chosen = [[np.asarray(label).item(), float(weight)] for label, weight in chosen.items()]
        return {"class_weight": chosen, "standardize": self.standardize,
                "standardize_y": self.standardize_y, "init_scale": self.init_scale,
                "seed": self.seed}  # fmt: skip

    def _placed(self, arrays: dict[str, Any]) -> Parameters:
        """Parameters of a checkpoint on the backend."""
        model, _, where = self._fitted()
        return tree_map(where.asarray, checked_params(arrays, model))  # type: ignore[no-any-return]

    @classmethod
    def from_checkpoint(cls, arrays: dict[str, Any], facts: dict[str, Any], where: Backend) -> Any:
        """Build the model that a checkpoint holds, on a backend."""
        try:
            model = FeedForward(**facts["model"])
            settings = dict(facts["settings"])
            if isinstance(settings["class_weight"], list):
                settings["class_weight"] = dict(settings["class_weight"])
            found = cls.__new__(cls)
            MLP.__init__(
                found, model.sizes[1:-1], model.activation, model.objective, l2=model.l2, dropout=model.dropout,
                backend=where, **settings,
            )  # fmt: skip
            found.targets = Targets.from_json(facts["targets"])
            if facts["scaling"] is not None:
                found.scaling = Scaling.from_json(facts["scaling"])
            if facts.get("layout") is not None:
                found.layout = Layout.from_json(facts["layout"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint's facts are damaged: {error}") from error
        found.model, found.params = model, tree_map(where.asarray, checked_params(arrays, model))
        return found
