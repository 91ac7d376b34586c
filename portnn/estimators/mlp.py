"""`MLP`: train a feed-forward network on a table, predict with it, evaluate it, save it."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from portnn.backends import Backend, tree_map
from portnn.checkpoints import Arrays
from portnn.estimators.data_facts import table_facts
from portnn.estimators.estimator import Recipe, as_backend
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.mlp_settings import MLPRun, MLPSettings, PartialSettings, TableSettings
from portnn.estimators.row_evaluation import RowEvaluator, monitored
from portnn.estimators.row_learner import RowLearner
from portnn.estimators.run_settings import RunSettings
from portnn.estimators.running import Saved, Task, run
from portnn.models import FeedForward
from portnn.objectives import OBJECTIVES
from portnn.settings import Settings, documented, settings_call, table_call
from portnn.tables import Layout, Scaling, Targets
from portnn.tables.holding_out import split_ids, take_rows


@documented(MLPSettings)
class MLP(RowLearner):
    """Multilayer perceptron for classification or regression, on the arrays that it is given.

    Parameters
    ----------
    {settings}

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
    history : RunState
        Where the last `fit` ended.
    layout : Layout or None
        Layout of the file that the table was read from, if any; checkpoints keep it.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> X = np.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = portnn.MLP((8,), activation="tanh", seed=1)
    >>> model.fit(X, ["no", "yes", "yes", "no"], learning_rate=0.05, epochs=200, progress=False).predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """

    SETTINGS: ClassVar[type[Settings]] = MLPSettings
    RUN: ClassVar[type[RunSettings]] = MLPRun
    RECIPES: ClassVar[dict[str, Recipe]] = {
        "table": Recipe(
            {"hidden_layer_sizes": (50, 50), "standardize": True},
            {"learning_rate": 3e-3, "batch_size": 32, "held_out": 0.1, "epochs": 200.0, "patience": 20},
        ),
    }

    @settings_call(MLPSettings)
    def __init__(self, settings: MLPSettings) -> None:
        self._begin(settings)

    @table_call(MLPRun)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, settings: MLPRun) -> Self:
        """Train. A model that has been fitted is trained further, from its weights.

        Parameters
        ----------
        X : array (rows, features)
            Of any array library, or anything that NumPy can convert to an array, or a sparse matrix of SciPy, of which
            only the rows of a batch are dense at a time: all of them with ``batch_size=None``.
        y : array (rows,) or (rows, n)
            Class labels (numbers or strings), or values of a regression.
        sample_weight : array (rows,), optional
            How much each row counts in the mean loss.
        {settings}

        Returns
        -------
        MLP
            Itself. With `patience` and held-out rows it has the best parameters of the run, else the last.

        Raises
        ------
        TypeError
            If X is of another library than the model, or sparse but not of SciPy.
        ValueError
            If X or y cannot be trained on, a setting is out of range, or a checkpoint does not fit.
        DivergenceError
            If the loss is not finite or explodes. The model is then as it was before.
        """
        return self._train(X, y, sample_weight, settings)

    @table_call(PartialSettings)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, *, settings: PartialSettings) -> Self:
        """Train for one epoch on some rows; the optimizer continues where the last call left it.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        {settings}

        Returns
        -------
        MLP
            Itself.
        """
        return self._train_epoch(X, y, sample_weight, settings)

    def _begin(self, settings: TableSettings) -> None:
        backend = None
        if settings.backend is not None:
            backend = as_backend(settings.backend, settings.device, settings.dtype or "float32")
        RowLearner.__init__(self, settings, backend)

    def _train(self, X: Any, y: Any, sample_weight: Any, settings: MLPRun) -> Self:
        run(self, settings, lambda saved: self._task(X, y, sample_weight, settings, saved))
        return self

    def _task(self, X: Any, y: Any, sample_weight: Any, settings: MLPRun, saved: Saved | None) -> Task:
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

    @classmethod
    def from_checkpoint(cls, arrays: Arrays, facts: dict[str, Any], backend: Backend) -> Self:
        """Build the model that a checkpoint holds, on a backend."""
        model = FeedForward(**facts["model"])
        made = cls(**cls.SETTINGS.among(facts["settings"]), backend=backend)
        made.targets = Targets.from_json(facts["targets"])
        if facts["scaling"] is not None:
            made.scaling = Scaling.from_json(facts["scaling"])
        if facts.get("layout") is not None:
            made.layout = Layout.from_json(facts["layout"])
        made.model, made.params = model, tree_map(backend.asarray, checked_params(arrays, model))
        return made
