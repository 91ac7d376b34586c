"""What cannot be trained on, and what is said about it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from portnn.sklearn import MLPClassifier, MLPRegressor, SoftmaxClassifier

pytestmark = pytest.mark.host

X = np.asarray([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
Y = np.asarray([0, 1, 0, 1])
ESTIMATORS = [MLPClassifier(max_iter=2), MLPRegressor(max_iter=2), SoftmaxClassifier()]

each = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
quick = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@each
@pytest.mark.parametrize("dates", [np.zeros((4, 2), "M8[D]"), np.zeros((4, 2), "m8[s]")], ids=["dates", "time spans"])
@quick
def test_dates_are_no_numbers(estimator, dates):
    fitted = clone(estimator).fit(X, Y)
    name = dates.dtype.name.replace("[", r"\[")
    for call in (lambda: fitted.predict(dates), lambda: estimator.fit(dates, Y)):
        with pytest.raises(TypeError, match=f"^X has dtype {name}, expected real numbers$"):
            call()
    with pytest.raises(TypeError, match=f"^y has dtype {name}, expected real numbers$"):
        estimator.fit(X, dates[:, 0])


@each
@quick
def test_masked_entries_are_refused(estimator):
    masked = np.ma.masked_array(X, X > 2.0)
    fitted = clone(estimator).fit(X, Y)
    for call in (lambda: fitted.predict(masked), lambda: estimator.fit(masked, Y)):
        with pytest.raises(ValueError, match=r"^X has masked entries"):
            call()
    with pytest.raises(ValueError, match=r"^y has masked entries"):
        estimator.fit(X, np.ma.masked_array(Y, Y > 0))


@each
def test_complex_numbers_are_named_and_not_printed(estimator):
    with pytest.raises(ValueError, match=r"^Complex data not supported: X has dtype complex128$"):
        estimator.fit(X.astype(complex), Y)


@each
@pytest.mark.torch_oracle
@quick
def test_x_and_y_may_require_gradients(estimator):
    import torch

    x, y = torch.tensor(X, requires_grad=True), torch.tensor(Y.astype(np.float64), requires_grad=True)
    model, plain = clone(estimator).set_params(random_state=0), clone(estimator).set_params(random_state=0)
    assert np.array_equal(model.fit(x, y).predict(x), plain.fit(X, Y.astype(np.float64)).predict(X))


@each
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (X[:, 0], "Expected 2D array, got 1D array"),
        (X[:0], "Found array with 0 sample"),
        (X[:, :0], r"0 feature\(s\)"),
        (np.where(X > 2, np.nan, X), "Input X contains NaN"),
        (np.where(X > 2, np.inf, X), "Input X contains infinity"),
        (X.astype(complex), "Complex data not supported"),
        (np.asarray([["a", "b"]] * 4), "could not convert string to float"),
        (X[:3], r"inconsistent numbers of samples: \[3, 4\]"),
    ],
)
def test_x(estimator, bad, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(bad, Y)


@each
def test_sparse_x(estimator):
    with pytest.raises(ValueError, match="Input X contains NaN"):
        estimator.fit(scipy.sparse.csr_array(np.where(X > 2, np.nan, X)), Y)
    with pytest.raises(ValueError, match="Complex data not supported"):
        estimator.fit(scipy.sparse.csr_array(X.astype(complex)), Y)
    model = clone(estimator).set_params(solver="lbfgs", max_iter=50).fit(scipy.sparse.csr_array(X), Y)
    with pytest.raises(ValueError, match=r"X has 1 features, but \w+ is expecting 2 features"):
        model.predict(scipy.sparse.csr_array(X[:, :1]))


@each
def test_x_of_another_width(estimator):
    model = estimator.set_params(solver="lbfgs", max_iter=50).fit(X, Y)
    with pytest.raises(ValueError, match=r"X has 3 features, but \w+ is expecting 2 features"):
        model.predict(np.zeros((2, 3)))
    model.set_params(solver="adam")
    with pytest.raises(ValueError, match=r"X has 1 features, but \w+ is expecting 2 features"):
        model.partial_fit(X[:, :1], Y)


@each
def test_not_fitted(estimator):
    fresh = type(estimator)()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        fresh.predict(X)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        fresh.to("numpy")
    for name in ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_", "classes_"):
        assert not hasattr(fresh, name)


@each
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.asarray([0.0, 1.0, np.nan, 1.0]), "y contains NaN"),
        (np.zeros((4, 2, 2)), "Found array with dim 3"),
        (None, "requires y to be passed, but the target y is None"),
    ],
)
def test_y(estimator, y, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


@each
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 1.0], r"sample_weight has shape \(2,\), expected \(4,\)"),
        (np.ones((4, 1)), r"sample_weight has shape \(4, 1\), expected \(4,\)"),
        ([1.0, -1.0, 1.0, 1.0], "sample_weight must be finite and not negative"),
        ([1.0, np.nan, 1.0, 1.0], "sample_weight must be finite"),
        ([0.0, 0.0, 0.0, 0.0], "sample_weight is zero everywhere"),
    ],
)
def test_sample_weight(estimator, weights, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, Y, weights)


def test_labels():
    model = SoftmaxClassifier()
    with pytest.raises(ValueError, match="Unknown label type"):
        model.fit(X, [0.5, 1.5, 0.25, 2.5])
    with pytest.raises(ValueError, match="several columns must hold 0 and 1"):
        model.fit(X, [[0, 1], [2, 1], [0, 3], [1, 1]])


def test_classes_of_partial_fit():
    model = MLPClassifier((3,))
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        model.partial_fit(X, Y)
    with pytest.raises(ValueError, match="labels that training never saw: 1; the classes are 0, 2"):
        model.partial_fit(X, Y, classes=[0, 2])
    model.partial_fit(X[:1], Y[:1], classes=[0, 1])
    with pytest.raises(ValueError, match="labels that training never saw: 2; the classes are 0, 1"):
        model.partial_fit(X, [0, 1, 2, 0])
    with pytest.raises(ValueError, match=r"classes=\[0, 1, 2\] is not the same as on last call .* \[0, 1\]"):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        model.set_params(early_stopping=True).partial_fit(X, Y)


def test_labels_that_training_never_saw_score_as_wrong():
    model = SoftmaxClassifier(alpha=0.0).fit(X[:, :1], [0, 0, 1, 1])
    assert model.score(X[:, :1], [0, 0, 1, 1]) == 1.0
    assert model.score(X[:, :1], [0, 0, 1, 7]) == 0.75


def test_counts_are_not_negative():
    model = MLPRegressor((), loss="poisson", max_iter=2)
    for solver in ("lbfgs", "adam"):
        with pytest.raises(
            ValueError, match="y must hold counts or other amounts of 0 or more for poisson, but has -1"
        ):
            model.set_params(solver=solver).fit(X, [0.0, 2.0, -1.0, 3.0])
    with pytest.raises(ValueError, match="0 or more for poisson, but has -1"):
        model.partial_fit(X, [0.0, 2.0, -1.0, 3.0])
    assert not hasattr(model, "mlp_")


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_rates_beyond_all_numbers_are_one_error(solver):
    model = MLPRegressor((3,), loss="poisson", solver=solver, random_state=0)
    with pytest.raises((ValueError, ArithmeticError), match=r"ended in a loss of nan|diverged at step 1"):
        model.fit(X * 1e6, Y)


def test_another_loss_needs_new_weights():
    model = MLPRegressor((), loss="poisson").partial_fit(X, Y).set_params(loss="squared_error")
    with pytest.raises(ValueError, match="trained with loss='poisson'; loss='squared_error' needs new weights"):
        model.partial_fit(X, Y)


def test_warm_start_with_other_classes():
    model = SoftmaxClassifier(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"warm_start needs the classes of the last fit, \[0 1\], but y has \[0 2\]"):
        model.fit(X, 2 * Y)


@each
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "activation",
            "none such",
            "unknown activation 'none such'; known: identity, rbf, relu, sigmoid, tanh, logistic",
        ),
        ("solver", "newton", "unknown solver 'newton'; known: lbfgs, sgd, adam, momentum, nesterov, adagrad, rmsprop"),
        ("learning_rate", "cosine", "unknown learning_rate 'cosine'; known: constant, invscaling, adaptive"),
        ("loss", "cross_entropy", "unknown loss 'cross_entropy'; known: squared_error, poisson"),
        ("alpha", -1.0, "alpha must be 0 or a positive number, got -1"),
        ("alpha", "small", "alpha must be a number, got 'small'"),
        ("batch_size", 0, "batch_size must be a positive whole number, got 0"),
        ("batch_size", "all", "batch_size must be a positive whole number, got 'all'"),
        ("learning_rate_init", 0.0, "learning_rate_init must be a positive number, got 0"),
        ("max_iter", 0, "max_iter must be a positive whole number, got 0"),
        ("max_iter", 2.5, r"max_iter must be a positive whole number, got 2\.5"),
        ("shuffle", "yes", "shuffle must be True or False, got 'yes'"),
        ("momentum", 1.0, r"momentum must be in \[0, 1\), got 1"),
        ("validation_fraction", 1.0, r"validation_fraction must be in \[0, 1\), got 1"),
        ("n_iter_no_change", 0, "n_iter_no_change must be a positive whole number, got 0"),
        ("n_iter_no_change", -np.inf, "n_iter_no_change must be a positive whole number, got -inf"),
        ("epsilon", np.nan, "epsilon must be a positive number, got nan"),
        ("verbose", -1, "verbose must be 0 or a positive whole number, got -1"),
        ("dropout", 1.0, r"dropout must be in \[0, 1\), got 1"),
        ("hidden_layer_sizes", 0, "hidden_layer_sizes must be a positive whole number, got 0"),
        ("hidden_layer_sizes", (5, 0), "each of hidden_layer_sizes must be a positive whole number, got 0"),
        ("hidden_layer_sizes", "5", "hidden_layer_sizes must be a positive whole number, got '5'"),
        ("random_state", "seed", r"'seed' cannot be used to seed a numpy\.random\.RandomState instance"),
        ("class_weight", "even", "class_weight must be a dict or \"balanced\", got 'even'"),
    ],
)
def test_parameters(estimator, name, value, message):
    kind = type(estimator)
    if name not in estimator.get_params():
        with pytest.raises(TypeError, match=rf"{kind.__name__}\(\) got an unexpected keyword argument '{name}'"):
            kind(**{name: value})
        return
    wrong = kind(**{name: value})
    for train in (wrong.fit, wrong.set_params(solver=value if name == "solver" else "lbfgs").fit):
        with pytest.raises((TypeError, ValueError), match=message):
            train(X, Y)
    assert wrong.get_params()[name] is value
    assert not hasattr(wrong, "mlp_")


@each
def test_parameters_may_be_of_numpy(estimator):
    given = {
        "alpha": np.float32(0.5),
        "batch_size": np.int64(2),
        "max_iter": np.int32(2),
        "shuffle": np.bool_(False),
        "tol": np.asarray(1e-3),
        "random_state": np.int64(3),
        "n_iter_no_change": np.float64(np.inf),
        "learning_rate_init": np.float32(0.5),
        "solver": np.str_("sgd"),
    }
    plain = {name: np.asarray(value).item() for name, value in given.items()}
    if "hidden_layer_sizes" in estimator.get_params():
        given["hidden_layer_sizes"], plain["hidden_layer_sizes"] = np.asarray([3, 2]), [3, 2]
    models = [type(estimator)(**parameters) for parameters in (given, plain)]
    for model in models:
        with pytest.warns(ConvergenceWarning):
            model.fit(X, Y)
    assert all(np.array_equal(*both) for both in zip(*(model.coefs_ for model in models), strict=True))
    assert models[0].get_params()["alpha"] is given["alpha"]


def test_parameters_that_do_not_go_together():
    with pytest.raises(ValueError, match="dropout needs a solver with mini-batches"):
        MLPClassifier(dropout=0.5, solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match="early_stopping needs a solver with mini-batches"):
        MLPClassifier(early_stopping=True, solver="lbfgs").fit(X, Y)
    with pytest.raises(ValueError, match="each of hidden_layer_sizes must be a positive whole number, got 0"):
        MLPClassifier((5, 0)).fit(X, Y)
    with pytest.raises(ValueError, match=r"validation_fraction 0\.25 holds out 1 of 4 rows"):
        MLPRegressor(early_stopping=True, validation_fraction=0.25).fit(X, Y)
    with pytest.warns(UserWarning, match="batch_size 9 is larger than the 4 rows"):
        MLPRegressor((3,), batch_size=9, tol=10.0).fit(X, Y)
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'") as caught:
        _ = SoftmaxClassifier().partial_fit
    assert "partial_fit needs a solver with mini-batches: sgd, adam" in str(caught.value.__cause__)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence():
    with pytest.raises(ArithmeticError, match="training diverged"):
        MLPRegressor((3,), solver="sgd", learning_rate_init=1e6, random_state=0).fit(X * 1e3, Y)
