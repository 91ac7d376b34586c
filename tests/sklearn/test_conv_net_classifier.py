"""ConvNetClassifier: images as rows or as they are, on any library, in pipelines; and scikit-learn's checks."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import portnn
from portnn.backends import library_name, namespace
from portnn.sklearn import ConvNetClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

host = pytest.mark.host

SETTINGS = {"channels": (3,), "hidden_layer_sizes": (5,), "max_iter": 3, "batch_size": 8, "random_state": 0}
LEARNING = {"shift": 1, "hidden_layer_sizes": (), "learning_rate_init": 0.1, "max_iter": 60}


class OfRows(ConvNetClassifier):
    """Takes rows of any length for images one pixel high: the checks' tables are not square."""

    def _image_shape(self, axes, *, reset):
        return (1, axes[0], 1)


@host
@parametrize_with_checks([OfRows(channels=(4,), pool=1, hidden_layer_sizes=(8,), learning_rate_init=0.01, max_iter=30)])
def test_of_scikit_learn(estimator, check):
    check(estimator)


def made(**settings):
    return ConvNetClassifier(**{**SETTINGS, **settings})


def lines(height=6, width=6):
    """Columns and rows, anywhere in an image: (24, height, width), and what they are."""
    images = np.zeros((24, height, width))
    for place in range(12):
        images[place, :, place % width] = 1.0
        images[12 + place, place % height, :] = 1.0
    return images, np.repeat(["column", "row"], 12)


@pytest.fixture
def X():
    return lines()[0]


@pytest.fixture
def y():
    return lines()[1]


@host
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_it_learns_wherever_a_line_is(solver, X, y):
    settings = LEARNING if solver == "adam" else {"solver": "lbfgs", "global_pooling": True, "max_iter": 60}
    model = made(**settings).fit(X[::2], y[::2])
    assert model.score(X[1::2], y[1::2]) == 1.0
    assert model.classes_.tolist() == ["column", "row"]
    assert (model.n_outputs_, model.out_activation_) == (1, "logistic")
    assert model.loss_ < 0.1


@host
def test_rows_and_images_are_the_same_to_it(X, y):
    flat = X.reshape(24, 36)
    models = [
        made().fit(X, y),
        made().fit(X[..., None], y),
        made().fit(X.tolist(), y),
        made().fit(flat, y),
        made(image_shape=(6, 6)).fit(flat, y),
        made(image_shape=[6, np.int64(6), 1]).fit(X, y),
    ]
    right = models[0].predict_proba(X)
    for model in models:
        assert model.n_features_in_ == 36
        assert model.conv_net_.model.image_shape == (6, 6, 1)
        for given in (X, X[..., None], flat, X.tolist()):
            assert np.array_equal(model.predict_proba(given), right)
    assert_allclose(models[0].predict_log_proba(X), np.log(right), rtol=1e-12)


@host
def test_shapes_that_are_not_square():
    X, y = lines(4, 9)
    square = made().fit(X.reshape(24, 36), y)
    assert square.conv_net_.model.image_shape == (6, 6, 1)
    coloured = made(image_shape=(4, 3, 3)).fit(X.reshape(24, 36), y)
    assert coloured.conv_net_.model.image_shape == (4, 3, 3)
    assert np.array_equal(coloured.predict(X.reshape(24, 4, 3, 3)), coloured.predict(X.reshape(24, 36)))
    with pytest.raises(ValueError, match=r"X has images of shape \(4, 9\), expected \(6, 6, 1\)"):
        square.predict(X)
    with pytest.raises(ValueError, match=r"X has images of shape \(4, 9\), expected \(9, 4\)"):
        made(image_shape=(9, 4)).fit(X, y)
    with pytest.raises(ValueError, match=r"X has 36 features, but images of shape \(5, 7\) have 35"):
        made(image_shape=(5, 7)).fit(X.reshape(24, 36), y)
    with pytest.raises(ValueError, match=r"X has 35 features, which make no square grey image: give image_shape="):
        made().fit(X.reshape(24, 36)[:, 1:], y)
    with pytest.raises(ValueError, match=r"X has 16 features, but ConvNetClassifier is expecting 36 features"):
        square.predict(np.zeros((2, 4, 4)))


@host
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros(24), "Expected 2D array, got 1D array"),
        (
            np.zeros((24, 2, 2, 2, 2)),
            r"X has shape \(24, 2, 2, 2, 2\), expected \(images, features\), \(images, height",
        ),
        (np.zeros((0, 6, 6)), "Found array with 0 sample"),
        (np.zeros((24, 0, 6)), r"0 feature\(s\)"),
        (np.full((24, 6, 6), np.nan), "Input X contains NaN"),
        (np.zeros((24, 6, 6), complex), "Complex data not supported: X has dtype complex128"),
        (np.ma.masked_equal(np.eye(6)[None].repeat(24, axis=0), 1.0), "X has masked entries"),
        (np.zeros((23, 6, 6)), r"inconsistent numbers of samples: \[23, 24\]"),
        (scipy.sparse.csr_array(np.eye(24, 36)), "Sparse data was passed"),
    ],
)
def test_bad_x(bad, message, y):
    with pytest.raises((TypeError, ValueError), match=message):
        made().fit(bad, y)


@host
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_shape": (36,)}, r"image_shape must be \(height, width\) or \(height, width, channels\), got \(36,\)"),
        ({"image_shape": (6, -1)}, "each of image_shape must be a positive whole number, got -1"),
        ({"image_shape": 6}, "image_shape must be several whole numbers, got 6"),
        ({"pool": 7}, "convolution 1 leaves nothing of pictures of 6 x 6 pixels"),
        ({"activation": "none such"}, "unknown activation 'none such'; known: .*logistic"),
        ({"solver": "lbfgs", "batch_norm": True}, "batch_norm needs a solver with mini-batches, not lbfgs"),
        ({"solver": "lbfgs", "noise": 0.1}, "noise needs a solver with mini-batches, not lbfgs"),
    ],
)
def test_bad_parameters(settings, message, X, y):
    model = made(**settings)
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


@host
def test_bytes_are_pixels_and_other_whole_numbers_are_numbers(X, y):
    pixels = (255 * X).astype(np.uint8)
    model = made(tol=0.0).fit(pixels, y)
    assert model.conv_net_.backend.dtype == "float32"
    assert model.predict_proba(pixels).dtype == np.float32
    assert_allclose(model.predict_proba(pixels.reshape(24, 36)), model.predict_proba(X), atol=1e-6)
    assert_allclose(made(tol=0.0).fit(X.astype(np.float32), y).loss_curve_, model.loss_curve_, rtol=1e-5)
    plain = made().fit(pixels.astype(np.int64), y)
    assert np.array_equal(plain.predict_proba(pixels.astype(float)), made().fit(255 * X, y).predict_proba(255 * X))


@host
def test_its_parameters_reach_the_network(X, y):
    settings = {
        "channels": (3, 2),
        "kernel": 2,
        "pool": 1,
        "pooling": "mean",
        "padding": "valid",
        "batch_norm": True,
        "global_pooling": True,
        "hidden_layer_sizes": 4,
        "activation": "logistic",
        "dropout": 0.25,
        "momentum": 0.5,
    }
    network = made(**settings, solver="sgd").fit(X, y).conv_net_.model
    assert network.hidden == (4,)
    assert network.activation == "sigmoid"
    assert network.momentum == 0.9  # of running means; the parameter is that of the solver
    for name in ("channels", "kernel", "pool", "pooling", "padding", "batch_norm", "global_pooling", "dropout"):
        assert getattr(network, name) == settings[name]
    plain = made().fit(X, y).loss_curve_
    for change in ({"shift": 1}, {"flip": True}, {"noise": 0.5}, {"alpha": 10.0}, {"class_weight": {"row": 3.0}}):
        assert made(**change).fit(X, y).loss_curve_ != plain
    assert (
        made(class_weight={"row": 3.0}).fit(X, y).loss_curve_ == made().fit(X, y, 1.0 + 2.0 * (y == "row")).loss_curve_
    )


@host
def test_epochs_and_their_ends(X, y):
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        model = made().fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    assert (model.t_, model.loss_, model.validation_scores_) == (72, model.loss_curve_[-1], None)
    one_by_one = made()
    for _ in range(2):
        one_by_one.partial_fit(X, y, classes=["row", "column"])
    assert one_by_one.t_ == 48
    assert one_by_one.conv_net_.history.step == 6
    again = made(warm_start=True, max_iter=1)
    losses = [again.fit(X, y).loss_ for _ in range(3)]
    assert losses == sorted(losses, reverse=True)
    with pytest.raises(ValueError, match=r"X has images of shape \(9, 4\), expected \(6, 6, 1\)"):
        again.fit(X.reshape(24, 9, 4), y)
    stopped = made(**{**LEARNING, "max_iter": 100}, early_stopping=True, validation_fraction=0.25, n_iter_no_change=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stopped.fit(X, y)
    assert stopped.n_iter_ == len(stopped.validation_scores_) < 100
    assert stopped.best_validation_score_ == max(stopped.validation_scores_)


@host
def test_several_questions_and_several_classes(X, y):
    questions = np.stack([y == "row", X[:, 0, 0] > 0], axis=1).astype(int)
    model = made().fit(X, questions)
    assert model.predict(X).shape == model.predict_proba(X).shape == (24, 2)
    three = made().fit(X, np.arange(24) % 3)
    assert three.predict_proba(X).shape == (24, 3)
    assert_allclose(three.predict_proba(X).sum(axis=1), 1.0)
    assert made().fit(X, ["a"] * 24).predict_proba(X).tolist() == [[1.0]] * 24


@host
def test_before_another_classifier(X, y):
    chain = make_pipeline(made(**LEARNING), LogisticRegression()).fit(X, y)
    assert chain.score(X, y) > 0.9
    network = chain[0]
    features = network.transform(X)
    assert np.array_equal(features, network.conv_net_.features(X))
    assert features.shape == (24, 27)
    assert network.get_feature_names_out().tolist() == [f"convnetclassifier{feature}" for feature in range(27)]
    assert network.set_output(transform="pandas").transform(X).columns[1] == "convnetclassifier1"
    assert made().fit_transform(X, y).shape == (24, 5)


@host
def test_searched_copied_and_saved(X, y, tmp_path):
    search = GridSearchCV(made(**LEARNING), {"max_iter": [1, 60]}, cv=2).fit(X, y)
    assert search.best_params_ == {"max_iter": 60}
    model = search.best_estimator_
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))
    model.conv_net_.save(tmp_path / "net.safetensors")
    assert np.array_equal(portnn.load(tmp_path / "net.safetensors").predict(X), model.predict(X))
    assert not hasattr(clone(model), "classes_")


@pytest.mark.scikit_learn_dispatch
@pytest.mark.parametrize("dtype", ["float64", "uint8"])
def test_everything_follows_x(dtype, backend, backend32, X, y):
    place = backend if dtype == "float64" else backend32
    pixels = (255 * X).astype(np.uint8) if dtype == "uint8" else X.astype(dtype)
    labels = (y == "row").astype(np.int64)
    settings = {"batch_norm": True, "dropout": 0.2, "early_stopping": True, "shift": 1}
    expected = made(**settings).fit(pixels, labels)
    with sklearn.config_context(array_api_dispatch=True):
        moved = place.xp.asarray(pixels, device=place.device)
        model = made(**settings).fit(moved, place.asarray(labels))
        for given in (moved, place.xp.reshape(moved, (24, 36))):
            for name in ("predict", "predict_proba", "predict_log_proba", "transform"):
                answers = getattr(model, name)(given)
                assert library_name(namespace(answers=answers)) == place.name
                tolerance = 1e-9 if dtype == "float64" else 1e-4
                assert_allclose(place.to_host(answers), getattr(expected, name)(pixels), atol=tolerance)
        assert library_name(namespace(classes=model.classes_)) == place.name
        assert isinstance(model.score(moved, place.asarray(labels)), float)
        if not place.library.on_host:
            with pytest.raises(ValueError, match=r"ConvNetClassifier.transform\(\) must use the same namespace"):
                model.transform(pixels)
        assert model.to("numpy") is model
        assert_allclose(model.predict_proba(pixels), expected.predict_proba(pixels), atol=1e-4)
