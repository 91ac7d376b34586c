"""How a model of rows starts to learn: what its first X and y determine, its batches, and incremental training."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any, Self

import numpy as np

from portnn.backends import Array, Backend, generator, to_host, tree_map
from portnn.batches import HostTable, RowBatches
from portnn.estimators.data_facts import table_facts
from portnn.estimators.mlp_settings import EpochSettings, MLPRun, PartialSettings
from portnn.estimators.row_evaluation import RowEvaluator, monitored
from portnn.estimators.row_model import RowModel
from portnn.estimators.running import Task, run
from portnn.models import FeedForward, ImageClassifier, RowBatch
from portnn.objectives import OBJECTIVES
from portnn.optimizers import as_optimizer
from portnn.optimizers.schedules import Constant
from portnn.tables import Scaling, Targets
from portnn.tables.holding_out import Ids, check_counts, split_ids, take_rows
from portnn.tables.labels import as_labels, listed
from portnn.tables.placing import backend_for, check_lengths
from portnn.tables.weighting import class_weights
from portnn.training import Plan, Trainer


class RowLearner(RowModel):
    """A model of rows that can be given its first parameters and trained, for a run or for an epoch."""

    def initialize(self, X: Any, y: Any, classes: Any = None, *, held_out: float = 0.0) -> Self:
        """Infer sizes, classes and scaling from the first X and y, and draw parameters, as `fit` does at first.

        Parameters
        ----------
        X : array (rows, features)
        y : array (rows,) or (rows, n)
        classes : array, optional
            All class labels there will ever be, if y lacks some of them.
        held_out : float in [0, 1)
            Fraction of the rows that `fit` will hold out: scaling must not see them.

        Returns
        -------
        Itself. A model that has parameters stays as it is.
        """
        if self.params is not None:
            known = None if self.classes is None else self.classes.labels
            if classes is not None and (known is None or not np.array_equal(np.unique(as_labels(classes)), known)):
                raise ValueError(
                    f"classes are {listed(classes)}, but the model has {'none' if known is None else listed(known)}"
                )
            return self
        chosen = self.settings
        backend = self.backend or self._backend_for(X)
        if chosen.dtype is not None:
            backend = Backend(backend.name, backend.xp, backend.device, chosen.dtype)
        x = self._placed(X, backend)
        targets = Targets.of(chosen.objective, y, classes)
        train_ids, _ = split_ids(int(x.shape[0]), held_out, seed=chosen.seed)
        if chosen.standardize_y:
            values = targets.encode(y)
            check_lengths(values, x)
            targets = replace(targets, scaling=Scaling.of_host(values[train_ids]))
        model = self._network(tuple(map(int, x.shape[1:])), targets.outputs)
        scaling = self._scaling(X, x, train_ids, backend) if chosen.standardize else None
        # Nothing changes until everything has been checked.
        self.scaling = scaling
        self.backend, self.targets, self.model = backend, targets, model
        self.params = tree_map(backend.asarray, model.init(generator(chosen.seed), chosen.init_scale))
        return self

    def _backend_for(self, X: Any) -> Backend:
        """Backend that the first X determines."""
        return backend_for(X)

    def _network(self, shape: tuple[int, ...], outputs: int) -> FeedForward | ImageClassifier:
        """Configuration of the network for rows of a shape."""
        raise NotImplementedError

    def _scaling(self, X: Any, x: Array | HostTable, train_ids: Ids, backend: Backend) -> Scaling:
        """Scaling of the rows to train on; X is what was given, x where it was placed."""
        raise NotImplementedError

    def _train(self, X: Any, y: Any, sample_weight: Any, settings: MLPRun) -> Self:
        run(self, settings, lambda saved, group: self._task(X, y, sample_weight, settings))
        return self

    def _task(self, X: Any, y: Any, sample_weight: Any, settings: MLPRun) -> Task:
        apart = settings.held_out if isinstance(settings.held_out, tuple) else None
        fraction = 0.0 if isinstance(settings.held_out, tuple) else settings.held_out
        self.initialize(X, y, held_out=fraction)
        model, params, backend = self._fitted()
        given = self._rows(X, y, sample_weight)
        train_ids, held_ids = split_ids(int(given.x.shape[0]), fraction, seed=self.settings.seed)
        rows, measured, held_out = take_rows(given, train_ids, backend), None, None
        if apart is not None:
            measured = self._rows(*(*apart, None)[:3])
        elif len(held_ids):
            measured = take_rows(given, held_ids, backend)
        if measured is not None:
            evaluator = RowEvaluator(model, backend, measured)
            held_out = monitored(evaluator, settings.monitor)
        rows = self._weigh_classes(rows)
        batches = self._batches(rows, settings, self.settings.seed)
        return Task(
            model=model,
            batches=batches,
            params=params,
            backend=backend,
            data=table_facts(rows, measured),
            held_out=held_out,
            settled={"batch_size": batches.batch_size, "held_out": fraction},
            loss_unit=OBJECTIVES[self.objective].unit,
        )

    def _train_epoch(self, X: Any, y: Any, sample_weight: Any, settings: PartialSettings) -> Self:
        """Train for one epoch on some rows; the optimizer continues where the last call left it."""
        before = {**vars(self), "metrics": list(self.metrics), "history": copy.copy(self.history)}
        try:
            self.initialize(X, y, settings.classes)
            model, params, backend = self._fitted()
            rows = self._weigh_classes(self._rows(X, y, sample_weight))
            done = 0 if self.history is None else self.history.step
            batches = self._batches(rows, settings, self.settings.seed + done)
            plan = Plan(
                optimizer=as_optimizer(settings.optimizer),
                schedule=Constant(settings.learning_rate),
                log_every=batches.batches,
                evaluate_every=batches.batches,
                divergence_factor=math.inf,  # rows may come one at a time
            )
            trainer = Trainer(
                model=model,
                batches=batches,
                plan=plan,
                backend=backend,
                params=params,
                on_metrics=self.metrics.append,
                quiet=True,
            )
            if self.history is not None:
                trainer.go_on(self.history.begun_anew(params))
            self.history = trainer.run(done + batches.batches)
            self.params = self.history.params
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise
        return self

    def _weigh_classes(self, rows: RowBatch) -> RowBatch:
        """Rows with their class weights; without class weights the rows themselves."""
        chosen = self.settings.class_weight
        if chosen is None:
            return rows
        if self.classes is None:
            raise ValueError("class_weight needs one class a row, but every row of y answers several questions")
        backend = self._fitted()[2]
        ids = self._fitted_targets().class_ids(to_host(rows.targets))
        weights = backend.asarray(class_weights(chosen, self.classes, ids))
        return check_counts(rows._replace(weights=weights if rows.weights is None else weights * rows.weights))

    def _batches(self, rows: RowBatch, settings: EpochSettings, seed: int, **more: Any) -> RowBatches:
        model, _, backend = self._fitted()
        return RowBatches(
            rows,
            backend,
            batch_size=settings.batch_size,
            shuffle=settings.shuffle,
            seed=seed,
            hidden_sizes=model.masks,
            dropout=model.dropout,
            **more,
        )
