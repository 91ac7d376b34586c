"""How a feed-forward model begins to learn: what its first X and y decide, its batches, and training bit by bit."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from portnn.backends import Backend, to_host, tree_map
from portnn.batches import RowBatches
from portnn.estimators.row_model import RowModel
from portnn.estimators.settings import as_optimizer, as_schedule
from portnn.models import FeedForward, RowBatch
from portnn.optimizers import Optimizer
from portnn.tables.holding_out import check_counts, split_ids
from portnn.tables.labels import as_labels
from portnn.tables.placing import as_table, backend_for, check_lengths, place_table
from portnn.tables.scaling import Scaling
from portnn.tables.targets import Targets
from portnn.tables.weighting import class_weights
from portnn.training import Metrics, Plan, Progressed, Trainer


class RowLearner(RowModel):
    """A feed-forward model that can be given its first parameters and trained for an epoch.

    Attributes
    ----------
    network : dict
        Fields of `FeedForward` but its sizes.
    hidden_layer_sizes : tuple of int
    class_weight, standardize, standardize_y, init_scale, seed, dtype
        As for `portnn.MLP`.
    rng : Generator
    metrics : list of Metrics
    history : Progressed or None
    """

    BATCH_SIZE: ClassVar[int | None] = 64
    LEARNING_RATE: ClassVar[float] = 1e-3

    network: dict[str, Any]
    hidden_layer_sizes: tuple[int, ...]
    class_weight: Mapping[Any, float] | str | None
    standardize: bool
    standardize_y: bool
    init_scale: float | None
    seed: int
    dtype: str | None
    rng: np.random.Generator
    metrics: list[Metrics]
    history: Progressed | None

    def initialize(self, X: Any, y: Any, classes: Any = None, *, held_out: float = 0.0) -> Any:
        """Let the first X and y decide what has not been, and draw first parameters, as `fit` does before it trains.

        Parameters
        ----------
        X : array (rows, features)
        y : array (rows,) or (rows, n)
        classes : array, optional
            All class labels there will ever be, where y does not hold them all.
        held_out : float in [0, 1)
            Fraction of the rows that `fit` will hold out: what standardizes must not see them.

        Returns
        -------
        MLP
            Itself. A model that has parameters stays as it is.
        """
        if self.params is not None:
            known = None if self.classes is None else self.classes.labels
            if classes is not None and (known is None or not np.array_equal(np.unique(as_labels(classes)), known)):
                raise ValueError(
                    f"classes are {list(classes)}, but the model has {[] if known is None else list(known)}"
                )
            return self
        where = self.backend or backend_for(X)
        if self.dtype is not None:
            where = Backend(where.name, where.xp, where.device, self.dtype)
        x = place_table(X, where)
        targets = Targets.of(self.objective, y, classes)
        train_ids, _ = split_ids(int(x.shape[0]), held_out, seed=self.seed)
        if self.standardize_y:
            values = targets.encode(y)
            check_lengths(values, x)
            targets = replace(targets, scaling=Scaling.of_host(values[train_ids]))
        sizes = (int(x.shape[1]), *self.hidden_layer_sizes, targets.outputs)
        model = FeedForward(sizes, **self.network)
        scaling, given = None, as_table(X)
        if self.standardize and isinstance(given, np.ndarray):
            scaling = Scaling.of_host(given[train_ids].astype(np.float64))
        elif self.standardize:
            scaling = Scaling.of(where.xp.take(x, where.asarray(train_ids), axis=0), where)
        # Nothing is changed before all has been found good.
        self.scaling = scaling
        self.backend, self.targets, self.model = where, targets, model
        self.params = tree_map(where.asarray, model.init(self.rng, self.init_scale))
        return self

    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        classes: Any = None,
        batch_size: int | None = None,
        shuffle: bool = True,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
    ) -> Any:
        """Train for one epoch on some rows; the optimizer goes on where the last `fit` or `partial_fit` left it.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes : array, optional
            All class labels there will ever be, at the first call, where y does not hold them all.
        batch_size, shuffle, optimizer, learning_rate
            As for `fit`; the optimizer the same every time.

        Returns
        -------
        MLP
            Itself.
        """
        with self._all_or_nothing():
            self.initialize(X, y, classes)
            model, params, where = self._fitted()
            rows = self._weigh_classes(self._rows(X, y, sample_weight))
            done = 0 if self.history is None else self.history.step
            source = self._batches(rows, batch_size, shuffle, self.seed + done)
            rate = self.LEARNING_RATE if learning_rate is None else learning_rate
            plan = Plan(
                optimizer=as_optimizer(optimizer), schedule=as_schedule("constant", rate, 1), log_every=source.batches,
                evaluate_every=source.batches, divergence_factor=math.inf,  # rows may come one at a time
            )  # fmt: skip
            trainer = Trainer(
                model=model, source=source, plan=plan, backend=where, params=params, rng=self.rng,
                on_metrics=self.metrics.append, quiet=True,
            )  # fmt: skip
            if self.history is not None:
                trainer.state = replace(
                    self.history, params=params, losses=[],
                    held_out_loss=None, best_held_out_loss=None, lowest_loss=None, waited=0,  # of another run
                )  # fmt: skip
            self.history = trainer.run(done + source.batches)
            self.params = self.history.params
        return self

    def to(self, backend: str | Backend, *, device: Any = None) -> Any:
        """Move a fitted model to another library or device, in place, with its dtype and its optimizer's state.

        Returns
        -------
        Itself.
        """
        before = self._fitted()[2]
        super().to(backend, device=device)
        if self.history is not None:
            _, params, where = self._fitted()
            state = tree_map(lambda array: where.asarray(before.to_host(array)), self.history.optimizer_state)
            self.history = replace(self.history, params=params, optimizer_state=state)
        return self

    @contextlib.contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Be as before, if something is refused."""
        before = {**vars(self), "rng": copy.deepcopy(self.rng), "metrics": list(self.metrics)}
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def _weigh_classes(self, rows: RowBatch) -> RowBatch:
        """Rows with their class weights; without class weights the rows themselves."""
        if self.class_weight is None:
            return rows
        if self.classes is None:
            raise ValueError("class_weight needs one class a row, but every row of y answers several questions")
        where = self._fitted()[2]
        ids = self._fitted_targets().class_ids(to_host(rows.targets))
        weights = where.asarray(class_weights(self.class_weight, self.classes, ids))
        return check_counts(rows._replace(weights=weights if rows.weights is None else weights * rows.weights))

    def _batches(self, rows: RowBatch, batch_size: int | None, shuffle: bool, seed: int) -> RowBatches:
        model, _, where = self._fitted()
        return RowBatches(
            rows, where, batch_size=self.BATCH_SIZE if batch_size is None else batch_size, shuffle=shuffle, seed=seed,
            hidden_sizes=model.sizes[1:-1], rate=model.dropout,
        )  # fmt: skip
