"""`MLP`: train a feed-forward network on a table, predict with it, evaluate it, save it."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from portnn.backends import Array, Backend
from portnn.batches import HostTable, SparseTable
from portnn.estimators.estimator import Recipe
from portnn.estimators.mlp_settings import MLPRun, MLPSettings, PartialSettings
from portnn.estimators.row_learner import RowLearner
from portnn.estimators.run_settings import RunSettings
from portnn.models import FeedForward
from portnn.settings import Settings, documented, settings_call, table_call
from portnn.tables import Layout, Scaling
from portnn.tables.holding_out import Ids
from portnn.tables.placing import as_table, place_table


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
    MODEL: ClassVar[type[FeedForward]] = FeedForward
    LAYOUT: ClassVar[type[Layout]] = Layout
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

    def _network(self, shape: tuple[int, ...], outputs: int) -> FeedForward:
        chosen = self.settings
        sizes = (*shape, *chosen.hidden_layer_sizes, outputs)
        return FeedForward(sizes, chosen.activation, chosen.objective, chosen.l2, chosen.dropout)

    def _placed(self, X: Any, backend: Backend, scaling: Scaling | None = None) -> Array | SparseTable:
        width = None if self.model is None else self.model.sizes[0]
        return place_table(X, backend, width=width, scaling=scaling)

    def _scaling(self, X: Any, x: Array | HostTable, train_ids: Ids, backend: Backend) -> Scaling:
        if isinstance(x, SparseTable):
            return Scaling.of_sparse(x.take(train_ids))
        given = as_table(X)
        if isinstance(given, np.ndarray):
            return Scaling.of_host(given[train_ids].astype(np.float64))
        return Scaling.of(backend.xp.take(x, backend.asarray(train_ids), axis=0), backend)
