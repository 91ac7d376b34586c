"""When training ends, what it leaves behind and what it warns of."""

from __future__ import annotations

import os
import signal
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

import portnn
from portnn.optimizers import SGD, Adam
from portnn.sklearn import MLPClassifier, MLPRegressor, SoftmaxClassifier
from portnn.sklearn.solvers import STOCHASTIC, optimizer_of

pytestmark = pytest.mark.host


@pytest.fixture
def table(rng):
    X = rng.normal(size=(120, 3))
    return X, (X[:, 0] + 0.5 * X[:, 1] > 0).astype(int)


def test_ends_when_the_loss_no_longer_falls(table):
    model = MLPClassifier((5,), tol=1e-2, n_iter_no_change=4, max_iter=500, learning_rate_init=0.01, random_state=0)
    model.fit(*table)
    curve = np.asarray(model.loss_curve_)
    assert model.n_iter_ == len(curve) < 500
    assert model.t_ == 120 * model.n_iter_
    assert model.loss_ == curve[-1]
    assert model.best_loss_ == curve.min()
    assert model.validation_scores_ is model.best_validation_score_ is None
    # Of the last five epochs none was lower by tol than the lowest before it; of the five before, one was.
    lowest = np.minimum.accumulate(curve)
    improved = curve[1:] < lowest[:-1] - 1e-2
    assert not improved[-5:].any()
    assert improved[-6]


def test_warns_if_the_epochs_were_too_few(table):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        model = MLPClassifier((5,), max_iter=3, random_state=0).fit(*table)
    assert model.n_iter_ == 3


def test_infinite_patience_uses_all_epochs(table):
    with pytest.warns(ConvergenceWarning):
        model = MLPClassifier((5,), max_iter=30, tol=10.0, n_iter_no_change=np.inf, random_state=0).fit(*table)
    assert model.n_iter_ == 30


@pytest.mark.parametrize("settings", [{}, {"solver": "sgd", "learning_rate": "adaptive"}])
@pytest.mark.parametrize("weighted", [False, True])
def test_early_stopping_keeps_the_best_weights(table, weighted, settings):
    X, y = table
    y = np.where(np.arange(120) % 7 == 0, 1 - y, y)  # noise, so that no score is perfect
    weights = np.linspace(0.5, 1.5, 120) if weighted else None
    model = MLPClassifier(
        (8,),
        early_stopping=True,
        validation_fraction=0.25,
        learning_rate_init=0.2,
        n_iter_no_change=5,
        max_iter=500,
        random_state=0,
        **settings,
    ).fit(X, y, weights)
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_ < 500
    assert model.t_ == 90 * model.n_iter_
    assert model.best_loss_ is None
    assert model.best_validation_score_ == max(scores)
    assert min(scores) < max(scores) < 1.0
    if not settings:
        assert scores[-1] < max(scores), "the case shows nothing if the last epoch is the best"
    seed = np.random.RandomState(0).randint(2**31 - 1)
    _, held = train_test_split(np.arange(120), test_size=0.25, random_state=seed, stratify=y)
    assert abs(np.mean(y[held]) - np.mean(y)) < 0.02
    score = model.score(X[held], y[held], None if weights is None else weights[held])
    assert score == pytest.approx(max(scores), abs=1e-12)


def test_early_stopping_of_a_regression(table):
    X, _ = table
    y = np.stack([X[:, 0], X[:, 1] ** 2], axis=1)
    model = MLPRegressor((8,), early_stopping=True, max_iter=500, tol=1e-3, learning_rate_init=0.01, random_state=0)
    model.fit(X, y)
    assert model.best_validation_score_ > 0.8


def test_adaptive_rate_falls_to_its_end(table):
    X, y = table
    model = SoftmaxClassifier(
        solver="sgd",
        learning_rate="adaptive",
        learning_rate_init=0.1,
        tol=1e-2,
        n_iter_no_change=2,
        max_iter=500,
        random_state=0,
    )
    model.fit(X, y)
    rates = []
    rate = 0.1
    while rate > 1e-6:
        rates.append(rate)
        rate /= 5.0
    # Every rate is waited on for its first epoch and three more at least, and the one below 1e-6 once again.
    assert 4 * (len(rates) + 1) <= model.n_iter_ < 500
    assert model.mlp_.metrics[-1]["learning_rate"] == pytest.approx(rate)
    assert len(model.loss_curve_) == model.n_iter_


def test_warm_start_goes_on(table):
    model = MLPClassifier((5,), max_iter=3, warm_start=True, random_state=0)
    with pytest.warns(ConvergenceWarning):
        first = model.fit(*table).loss_
    weights = model.coefs_[0].copy()
    with pytest.warns(ConvergenceWarning):
        model.fit(*table)
    assert model.loss_ < first
    assert model.loss_curve_[2] == first
    assert len(model.loss_curve_) == 6
    assert (model.n_iter_, model.t_) == (3, 720)
    with pytest.warns(ConvergenceWarning):
        cold = model.set_params(warm_start=False).fit(*table)
    assert np.array_equal(cold.coefs_[0], weights)
    assert len(cold.loss_curve_) == 3


@pytest.mark.parametrize("solver", STOCHASTIC)
def test_every_solver_learns(solver, table):
    rate = 1.0 if solver == "adagrad" else 0.05
    model = SoftmaxClassifier(solver=solver, learning_rate_init=rate, tol=1e-3, batch_size=40, random_state=0)
    assert model.fit(*table).score(*table) > 0.95


def test_lbfgs(table):
    X, y = table
    model = MLPClassifier((5,), solver="lbfgs", activation="tanh", alpha=0.1, max_iter=1000, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.98
    assert model.loss_ == model.best_loss_ == pytest.approx(model.mlp_.loss_and_gradient(X, y)[0], abs=1e-12)
    assert np.max(np.abs(model.mlp_.loss_and_gradient(X, y)[1])) < 1e-3
    assert not hasattr(model, "partial_fit")
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 2 iterations"):
        model.set_params(max_iter=2).fit(X, y)
    assert model.n_iter_ == 2
    for max_fun in range(2, 12):  # the last point that was tried need not be the best
        with pytest.warns(ConvergenceWarning):
            model.set_params(max_iter=100, max_fun=max_fun).fit(X, y)
        assert model.loss_ == pytest.approx(model.mlp_.loss_and_gradient(X, y)[0], abs=1e-12)


def test_epochs_one_by_one_are_as_many_at_once(table):
    X, y = table
    model = MLPClassifier((5,), batch_size=50, random_state=0)
    losses = [model.partial_fit(X, y, classes=[0, 1]).loss_ for _ in range(4)]
    assert model.loss_curve_ == losses
    assert losses[-1] < losses[0]
    assert (model.n_iter_, model.t_) == (1, 480)
    # Batches of another number, and an optimizer that goes on: the epoch's loss is still the mean of its batches.
    model.set_params(batch_size=30).partial_fit(X, y)
    assert model.t_ == 600
    steps = [line["step"] for line in model.mlp_.metrics]
    assert steps[-1] == 4 * 3 + 4
    # Where nothing is drawn, several epochs at once come to the same.
    settings = {"solver": "sgd", "batch_size": 120, "shuffle": False, "random_state": 1}
    each = SoftmaxClassifier(**settings)
    for _ in range(5):
        each.partial_fit(X, y, classes=[0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        all_at_once = SoftmaxClassifier(max_iter=5, **settings).fit(X, y)
    assert np.allclose(each.coefs_[0], all_at_once.coefs_[0], rtol=0, atol=1e-12)


def test_solvers_get_their_settings():
    model = MLPClassifier(beta_1=0.6, beta_2=0.75, epsilon=0.1, momentum=0.25)
    assert optimizer_of(model) == Adam(beta1=0.6, beta2=0.75, eps=0.1)
    assert optimizer_of(model.set_params(solver="sgd")) == SGD(momentum=0.25, nesterov=True)
    assert optimizer_of(model.set_params(momentum=0.0)) == SGD()
    assert optimizer_of(model.set_params(solver="nesterov")) == SGD(momentum=0.9, nesterov=True)


def test_dropout_regularises(table):
    X, y = table
    settings = {"hidden_layer_sizes": (20,), "max_iter": 200, "learning_rate_init": 0.02, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        plain, dropped = (MLPClassifier(dropout=rate, **settings).fit(X, y) for rate in (0.0, 0.5))
    assert dropped.loss_ > plain.loss_
    assert np.array_equal(dropped.predict(X), dropped.predict(X))


def test_balanced_classes(rng):
    X = rng.normal(size=(300, 2))
    y = (X[:, 0] + rng.normal(size=300) > 1.8).astype(int)
    assert y.mean() < 0.2
    plain = SoftmaxClassifier(random_state=0).fit(X, y)
    balanced = SoftmaxClassifier(class_weight="balanced", random_state=0).fit(X, y)
    recall = [np.mean(model.predict(X)[y == 1]) for model in (plain, balanced)]
    assert recall[1] > recall[0] + 0.2
    with pytest.raises(ValueError, match="class_weight"):
        SoftmaxClassifier(class_weight="even").fit(X, y)


def test_seeds(table):
    first, second, other = (MLPClassifier((4,), tol=0.1, random_state=seed).fit(*table).coefs_[0] for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    state = np.random.RandomState(1)
    drawn = [MLPClassifier((4,), tol=0.1, random_state=state).fit(*table).coefs_[0] for _ in range(2)]
    assert np.array_equal(drawn[0], first)
    assert not np.array_equal(drawn[1], first)


def test_early_stopping_of_counts(table):
    X, _ = table
    y = np.random.default_rng(5).poisson(np.exp(X[:, 0] + 1.0))
    model = MLPRegressor(
        (8,), loss="poisson", early_stopping=True, max_iter=500, tol=1e-3, learning_rate_init=0.01, random_state=0
    )
    assert model.fit(X, y).best_validation_score_ == max(model.validation_scores_) > 0.5
    assert model.score(X, y) > 0.5
    assert model.predict(X).min() > 0.0
    assert model.out_activation_ == "exp"


@pytest.fixture
def interrupted_at(monkeypatch):
    """Ctrl-C after a step of `fit`, from whose parameters on the network is bad."""
    train = portnn.MLP.fit

    def at(step, spoiled=None):
        def strike(event):
            if event.step == step:
                os.kill(os.getpid(), signal.SIGINT)
            return {name: -array for name, array in event.params.items()} if event.step == spoiled else None

        def fit(self, *rows, **settings):
            return train(self, *rows, callbacks=[strike], **settings)

        monkeypatch.setattr(portnn.MLP, "fit", fit)

    return at


def test_interrupted_it_keeps_what_it_has(table, interrupted_at):
    model = MLPClassifier((5,), batch_size=50, max_iter=1000, learning_rate_init=0.01, random_state=0)
    interrupted_at(95)  # in the middle of the 32nd epoch of three batches
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(*table)
    assert (model.n_iter_, model.t_) == (31, 31 * 120)
    assert model.loss_curve_[-1] == model.loss_
    assert len(model.loss_curve_) == 31
    assert model.mlp_.history.step == 95
    assert np.array_equal(model.coefs_[0], model.mlp_.history.params["layers.0.weight"])


@pytest.mark.parametrize("settings", [{}, {"solver": "sgd", "learning_rate": "adaptive"}])
def test_interrupted_in_early_stopping_it_keeps_the_best_weights(table, interrupted_at, settings):
    X, y = table
    y = np.where(np.arange(120) % 7 == 0, 1 - y, y)
    model = MLPClassifier((5,), batch_size=50, early_stopping=True, validation_fraction=0.25, max_iter=1000)
    model.set_params(learning_rate_init=0.02, n_iter_no_change=500, random_state=0, **settings)
    interrupted_at(101, spoiled=80)  # epochs of two batches
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_ == 50
    assert scores[-1] < max(scores), "the case shows nothing if the last epoch is the best"
    assert model.best_validation_score_ == max(scores)
    seed = np.random.RandomState(0).randint(2**31 - 1)
    _, held = train_test_split(np.arange(120), test_size=0.25, random_state=seed, stratify=y)
    assert model.score(X[held], y[held]) == max(scores)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_interrupted_in_its_first_epoch_it_can_predict(table, interrupted_at, early_stopping):
    model = MLPClassifier((5,), batch_size=10, early_stopping=early_stopping, random_state=0)
    interrupted_at(2)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(*table)
    assert (model.n_iter_, model.loss_curve_) == (0, [])
    assert model.validation_scores_ == ([] if early_stopping else None)
    assert model.best_validation_score_ == (-np.inf if early_stopping else None)
    assert model.predict(table[0]).shape == (120,)


def test_interrupted_in_lbfgs_a_fitted_network_is_as_it_was(table, monkeypatch):
    model = SoftmaxClassifier(warm_start=True, random_state=0).fit(*table)
    weights, evaluate, calls = model.coefs_[0].copy(), portnn.MLP.loss_and_gradient, []

    def interrupted(self, *rows):
        calls.append(rows)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return evaluate(self, *rows)

    monkeypatch.setattr(portnn.MLP, "loss_and_gradient", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(table[0], 1 - table[1])
    assert np.array_equal(model.coefs_[0], weights)


def test_silent_unless_verbose(table, capsys):
    MLPClassifier((4,), tol=0.1, random_state=0).fit(*table)
    assert capsys.readouterr() == ("", "")
    MLPClassifier((4,), tol=0.1, random_state=0, verbose=True).fit(*table)
    out, err = capsys.readouterr()
    assert not out
    assert "loss" in err


def test_a_loss_that_jumps_is_no_divergence(rng):
    model = MLPRegressor((3,), random_state=0)
    for value in (0.1, 30.0, 0.1):
        model.partial_fit(np.ones((1, 2)), [value])
    assert max(model.loss_curve_) > 100.0
    X = rng.normal(size=(60, 2))
    y = X[:, 0]
    y[7] = 50.0
    with pytest.warns(ConvergenceWarning):
        MLPRegressor((3,), batch_size=1, max_iter=2, random_state=0).fit(X, y)


def test_moved_in_the_middle_of_training(table):
    X, y = table
    stays, moves = (MLPClassifier((4,), random_state=0).partial_fit(X, y, classes=[0, 1]) for _ in range(2))
    moves.to("array-api-strict").to("numpy").partial_fit(X, y)
    assert np.array_equal(moves.coefs_[0], stays.partial_fit(X, y).coefs_[0])
    moves.to("array-api-strict").partial_fit(X, y)
    assert np.allclose(moves.to("numpy").coefs_[0], stays.partial_fit(X, y).coefs_[0], rtol=0, atol=1e-12)
