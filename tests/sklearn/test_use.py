"""Use with scikit-learn: pipelines, searches, cross-validation, copies, and how estimators look."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import BaggingClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import portnn
from portnn.sklearn import ConvNetClassifier, MLPClassifier, MLPRegressor, SoftmaxClassifier

pytestmark = [pytest.mark.host, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


@pytest.fixture
def table(rng):
    X = rng.normal(size=(90, 3)) * [1.0, 10.0, 100.0]
    return X, np.where(X[:, 0] + X[:, 1] / 10 > 0, "yes", "no")


def test_pipeline_and_cross_validation(table):
    X, y = table
    model = make_pipeline(StandardScaler(), MLPClassifier((8,), solver="lbfgs", alpha=0.1, random_state=0))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.85
    assert np.mean(cross_val_predict(model, X, y, cv=3, method="predict_proba").argmax(axis=1) == (y == "yes")) > 0.85


@pytest.mark.parametrize(("jobs", "pool"), [(1, "threading"), (2, "threading"), (2, "loky")])
def test_search(table, jobs, pool):
    X, y = table
    model = make_pipeline(StandardScaler(), MLPClassifier(max_iter=20, learning_rate_init=0.05, random_state=0))
    grid = {"mlpclassifier__hidden_layer_sizes": [(2,), (8,)], "mlpclassifier__alpha": [1e-4, 100.0]}
    with joblib.parallel_config(pool):
        search = GridSearchCV(model, grid, cv=2, n_jobs=jobs).fit(X, y)
    assert search.best_params_["mlpclassifier__alpha"] == 1e-4
    assert search.best_score_ > 0.85


def test_in_ensembles_and_inspection(table):
    X, y = table
    X = StandardScaler().fit_transform(X)
    bag = BaggingClassifier(SoftmaxClassifier(), n_estimators=3, random_state=0).fit(X, y)
    assert bag.score(X, y) > 0.9
    importances = permutation_importance(bag, X, y, n_repeats=3, random_state=0).importances_mean
    assert importances.argmin() == 2


@pytest.mark.parametrize("estimator", [ConvNetClassifier, MLPClassifier, MLPRegressor, SoftmaxClassifier])
def test_parameters(estimator):
    model = estimator(alpha=0.5, random_state=3)
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(tol=0.1).get_params()["tol"] == 0.1
    assert repr(model) == f"{estimator.__name__}(alpha=0.5, random_state=3, tol=0.1)"
    assert estimator.__name__ in model._repr_html_()
    with pytest.raises(ValueError, match="Invalid parameter 'momentun'"):
        model.set_params(momentun=0.5)
    documented = estimator.__doc__.split("Attributes")[0]
    assert [name for name in model.get_params() if name not in documented] == []


def test_kinds():
    assert is_classifier(ConvNetClassifier())
    assert is_classifier(MLPClassifier())
    assert is_classifier(SoftmaxClassifier())
    assert is_regressor(MLPRegressor())


def test_copies_of_fitted_ones(table):
    X, y = table
    model = MLPClassifier((4,), max_iter=5, random_state=0).fit(X, y)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert np.array_equal(again.predict(X), model.predict(X))
        assert again.classes_.tolist() == ["no", "yes"]
    further = pickle.loads(pickle.dumps(model)).partial_fit(X, y)
    assert np.array_equal(further.coefs_[0], model.partial_fit(X, y).coefs_[0])
    assert not hasattr(clone(model), "coefs_")


def test_the_network_itself_can_be_saved(table, tmp_path):
    X, y = table
    model = MLPClassifier((4,), max_iter=5, random_state=0).fit(X, y)
    model.mlp_.save(tmp_path / "model.safetensors")
    assert np.array_equal(portnn.load(tmp_path / "model.safetensors").predict(X), model.predict(X))


def test_column_y_is_one_axis(table):
    X, _ = table
    for model, y in ((MLPRegressor((4,), max_iter=2), X[:, :1]), (SoftmaxClassifier(), (X[:, :1] > 0).astype(int))):
        with pytest.warns(UserWarning, match="A column-vector y was passed"):
            model.fit(X, y)
        assert model.predict(X).shape == (90,)


@pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", "<f8", ">i4", "<i4", ">u2", "<u2"])
def test_bytes_in_any_order(table, dtype):
    X, labels = table
    X, y = np.abs(X).astype(dtype), (labels == "yes").astype(dtype)
    native = np.dtype(dtype).newbyteorder("=")
    weights = np.arange(1, 91)
    for model in (SoftmaxClassifier(random_state=0), MLPRegressor((4,), max_iter=3, random_state=0)):
        ours, right = clone(model).fit(X, y, weights.astype(dtype)), clone(model).fit(X.astype(native), y, weights)
        assert ours.coefs_[0].dtype == right.coefs_[0].dtype
        assert np.array_equal(ours.coefs_[0], right.coefs_[0])
        assert np.array_equal(ours.predict(X), right.predict(X.astype(native)))
        assert ours.score(X, y) == right.score(X.astype(native), y)


@pytest.mark.torch_oracle
def test_a_tensor_that_requires_gradients_is_data_like_any_other(table):
    import torch

    X, y = table
    given = torch.tensor(X, requires_grad=True)
    model = MLPClassifier((4,), max_iter=3, random_state=0)
    ours, right = clone(model).fit(given, y), clone(model).fit(X, y)
    assert np.array_equal(ours.coefs_[0], right.coefs_[0])
    assert np.array_equal(ours.predict_proba(given), right.predict_proba(X))
    weights = torch.ones(90, requires_grad=True)
    regression = MLPRegressor((4,), max_iter=3, random_state=0).fit(given, given[:, 0], weights)
    assert np.array_equal(regression.predict(given), clone(regression).fit(X, X[:, 0], np.ones(90)).predict(X))
    assert isinstance(regression.score(given, given[:, 0], weights), float)


def test_imported_only_when_asked_for():
    code = "import sys, portnn; portnn.MLP; print([name for name in ('sklearn', 'scipy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_without_scikit_learn_one_line_says_how_to_get_it():
    code = "import sys; sys.modules['sklearn'] = None; import portnn.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    expected = 'portnn.sklearn needs scikit-learn; python -m pip install "portnn[sklearn]"'
    assert done.stderr.strip().splitlines()[-1] == f"ModuleNotFoundError: {expected}"
    assert "During handling" not in done.stderr
