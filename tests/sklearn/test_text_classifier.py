"""TextClassifier among scikit-learn's tools, and what it takes and refuses."""

from __future__ import annotations

import copy
import pathlib
import pickle
import re
import signal

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.class_weight import compute_sample_weight

import portnn
from portnn.estimators.text_classifier_settings import TextClassifierRun, TextClassifierSettings
from portnn.settings import declared
from portnn.sklearn import TextClassifier
from portnn.sklearn.text_parameters import TextParameters

pytestmark = pytest.mark.host

SMALL = {
    "cell": "gru",
    "hidden_size": 12,
    "embedding_size": 8,
    "batch_size": 8,
    "learning_rate_init": 0.02,
    "random_state": 0,
}


def network(**parameters):
    return TextClassifier(**{**SMALL, **parameters})


@pytest.fixture(scope="module")
def sentences():
    """Sentences whose label follows from two words together, which a linear model of words cannot see."""
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for _ in range(120):
        word, negated, very = rng.choice(["good", "fine", "bad", "poor"]), rng.random() < 0.3, rng.random() < 0.5
        texts.append(f"it is {'not ' * negated}{'very ' * very}{word}")
        labels.append("yes" if (word in ("good", "fine")) != negated else "no")
    return texts, labels


@pytest.fixture(scope="module")
def fitted(sentences):
    return network(max_iter=15).fit(*sentences)


# Among scikit-learn's tools


def shorter(texts):
    return [text.removeprefix("it ") for text in texts]


def test_it_is_the_last_step_of_a_pipeline(sentences):
    texts, labels = sentences
    model = make_pipeline(FunctionTransformer(shorter), network(max_iter=15)).fit(texts, labels)
    assert model.score(texts, labels) == 1.0
    assert "it" not in model[-1].vocabulary_
    assert model.predict_proba(texts).shape == (120, 2)
    assert model.classes_.tolist() == ["no", "yes"]


def test_a_search_finds_the_same_with_one_job_and_with_two(sentences):
    grid = {"max_iter": [1, 20]}
    one, two = (GridSearchCV(network(), grid, cv=2, n_jobs=jobs).fit(*sentences) for jobs in (1, 2))
    assert one.best_params_["max_iter"] == 20
    assert one.best_score_ > 0.9
    assert one.score(*sentences) == 1.0
    assert one.cv_results_["mean_test_score"].tolist() == two.cv_results_["mean_test_score"].tolist()
    assert one.best_estimator_.loss_curve_ == two.best_estimator_.loss_curve_


def test_cross_validation_with_scores_of_every_kind(sentences):
    texts, labels = sentences
    model = network(max_iter=20)
    for scoring, least in (("accuracy", 0.8), ("roc_auc", 0.8), ("neg_log_loss", -0.6)):
        assert cross_val_score(model, texts, labels, cv=2, scoring=scoring).min() >= least
    predicted = cross_val_predict(model, np.asarray(texts), labels, cv=2, method="decision_function")
    assert np.mean((predicted > 0) == (np.asarray(labels) == "yes")) > 0.8


def test_it_votes_with_a_vectorizer_and_a_linear_model(sentences):
    texts, labels = sentences
    linear = make_pipeline(TfidfVectorizer(), LogisticRegression())
    vote = VotingClassifier([("words", network(max_iter=15)), ("linear", linear)], voting="soft", weights=[2, 1])
    assert vote.fit(texts, labels).score(texts, labels) == 1.0
    assert linear.fit(texts, labels).score(texts, labels) < 0.9
    stack = StackingClassifier([("words", network(max_iter=15)), ("linear", linear)], cv=2)
    assert stack.fit(texts, labels).score(texts, labels) == 1.0


def test_its_probabilities_can_be_calibrated(sentences):
    texts, labels = sentences
    for method in ("sigmoid", "isotonic"):
        model = CalibratedClassifierCV(network(max_iter=12), method=method, cv=2, ensemble=False).fit(texts, labels)
        assert model.score(texts, labels) > 0.95
        assert_allclose(model.predict_proba(texts[:3]).sum(axis=1), 1.0, rtol=1e-6)


def test_one_against_the_rest(sentences):
    texts, _ = sentences
    labels = [next(word for word in ("good", "fine", "bad", "poor") if word in text) for text in texts]
    model = OneVsRestClassifier(network(max_iter=12)).fit(texts, labels)
    assert model.score(texts, labels) > 0.95


# Input and output


def test_texts_come_in_any_sequence(sentences, fitted):
    texts, _ = sentences
    right = fitted.predict_proba(texts)
    given = [tuple(texts), np.asarray(texts), np.asarray(texts, object), np.asarray(texts, np.dtypes.StringDType())]
    for each in given:
        assert np.array_equal(fitted.predict_proba(each), right)
    again = clone(fitted).fit(given[1], sentences[1])
    assert np.array_equal(again.predict_proba(texts), right)


def test_a_column_of_a_data_frame_holds_texts_and_a_data_frame_does_not(sentences, fitted):
    pandas = pytest.importorskip("pandas")
    texts, labels = sentences
    frame = pandas.DataFrame({"text": texts, "label": labels}, index=range(100, 220))
    model = clone(fitted).fit(frame["text"], frame["label"])
    assert np.array_equal(model.predict_proba(frame["text"]), fitted.predict_proba(texts))
    with pytest.raises(ValueError, match=r"^X has shape \(120, 1\), expected one axis of texts"):
        model.predict(frame[["text"]])
    with pytest.raises(TypeError, match="each text must be a str, got NAType"):
        model.predict(pandas.Series(["good", None], dtype="string"))


@pytest.mark.parametrize("labels", [[True, False, False], [3, -1, -1], ["b", "a", "a"], [2.0, 1.0, 1.0]])
@pytest.mark.parametrize("form", [list, np.asarray])
def test_classes_come_back_as_they_were(labels, form):
    model = network(max_iter=12).fit(["good one", "bad one", "bad"] * 6, form(labels * 6))
    assert model.predict(["good one", "bad one"]).tolist() == labels[:2]
    assert model.classes_.tolist() == sorted(set(labels))
    assert type(model.predict(["bad"]).tolist()[0]) is type(labels[0])


def test_outputs_agree_with_one_another(sentences, fitted):
    texts, labels = sentences
    probabilities, logits = fitted.predict_proba(texts), fitted.decision_function(texts)
    assert probabilities.shape == (120, 2)
    assert logits.shape == (120,)
    assert_allclose(probabilities[:, 1], 1.0 / (1.0 + np.exp(-logits)), rtol=1e-5)
    assert_allclose(np.exp(fitted.predict_log_proba(texts)), probabilities, rtol=1e-5)
    assert fitted.predict(texts).tolist() == fitted.classes_[probabilities.argmax(axis=1)].tolist()
    assert fitted.score(texts, labels) == get_scorer("accuracy")(fitted, texts, labels) == 1.0
    assert fitted.score(texts[:2], ["other", labels[1]], sample_weight=[1.0, 3.0]) == 0.75
    three = network(max_iter=1).fit(["a", "b", "c"], [0, 1, 2])
    assert_allclose(
        np.exp(three.decision_function(["a"])),
        three.predict_proba(["a"]) * np.exp(three.decision_function(["a"])).sum(),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    "form", [np.asarray, scipy.sparse.csr_array, lambda y: y.tolist()], ids=["dense", "sparse", "list"]
)
def test_columns_of_0_and_1_are_answers_to_several_questions(sentences, form):
    texts, labels = sentences
    y = np.stack([np.asarray(labels) == "yes", ["very" in text for text in texts], np.ones(120)], axis=1).astype(int)
    model = network(max_iter=40).fit(texts, form(y))
    assert np.array_equal(model.predict(texts), y)
    assert model.predict(texts).dtype.kind == "i"
    assert model.score(texts, y) == 1.0
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.decision_function(texts).shape == (120, 3)
    assert np.array_equal(model.predict_proba(texts) > 0.5, y == 1)
    # Two questions are not two classes.
    assert network(max_iter=1).fit(texts, y[:, :2]).decision_function(texts).shape == (120, 2)


def test_a_column_of_classes_is_one_axis(sentences, fitted):
    texts, labels = sentences
    with pytest.warns(UserWarning, match="A column-vector y was passed"):
        model = clone(fitted).fit(texts, np.asarray(labels)[:, None])
    assert np.array_equal(model.predict(texts), fitted.predict(texts))


# Training


def test_it_is_the_network_of_portnn_itself(sentences):
    texts, labels = sentences
    model = network(max_iter=3, dropout=0.2, bidirectional=True, schedule="linear", random_state=5).fit(texts, labels)
    seed = np.random.RandomState(5).randint(2**31 - 1)
    ours = portnn.TextClassifier("gru", 12, 8, dropout=0.2, bidirectional=True, seed=seed)
    ours.fit(texts, labels, epochs=3, learning_rate=0.02, batch_size=8, schedule="linear", workers=1, progress=False)
    assert {name: array.tobytes() for name, array in model.text_classifier_.params.items()} == {
        name: array.tobytes() for name, array in ours.params.items()
    }
    assert model.vocabulary_ == ours.vocabulary.index
    assert model.loss_curve_ == [line["loss"] for line in ours.metrics]
    assert (model.n_iter_, model.loss_, model.best_loss_) == (3, model.loss_curve_[-1], min(model.loss_curve_))
    assert model.validation_scores_ is model.best_validation_score_ is None


def test_the_random_state_determines_everything(sentences):
    settings = {"max_iter": 2, "dropout": 0.3, "early_stopping": True}
    first, again, other = (network(**settings, random_state=state).fit(*sentences) for state in (1, 1, 2))
    assert first.loss_curve_ == again.loss_curve_ != other.loss_curve_
    generator = np.random.RandomState(1)
    drawn = [network(**settings, random_state=generator).fit(*sentences).loss_curve_ for _ in range(2)]
    assert drawn[0] == first.loss_curve_ != drawn[1]


def test_early_stopping_keeps_the_best_weights_and_never_sees_the_texts_held_out(sentences):
    texts, labels = sentences
    texts = [f"{text} number{row}" for row, text in enumerate(texts)]
    settings = {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 3, "word_dropout": 0.2}
    model = network(**settings, max_iter=60).fit(texts, labels)
    scores = model.validation_scores_
    best = scores.index(max(scores))
    assert len(scores) == model.n_iter_ == len(model.loss_curve_) == best + 1 + 4 < 60
    assert model.best_validation_score_ == max(scores) == scores[best]
    assert model.best_loss_ is None
    held = [row for row in range(120) if f"number{row}" not in model.vocabulary_]
    assert len(held) == 30
    assert model.score([texts[row] for row in held], [labels[row] for row in held]) == pytest.approx(max(scores))
    assert abs(sum(labels[row] == "yes" for row in held) - labels.count("yes") / 4) < 1.0
    few = network(**settings, max_iter=best + 1).fit(texts, labels)
    assert np.array_equal(few.predict_proba(texts), model.predict_proba(texts))


def test_only_a_rise_of_the_score_by_more_than_the_tolerance_goes_on(sentences):
    settings = {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 30}
    assert network(**settings, tol=1.0).fit(*sentences).n_iter_ == 4
    assert network(**settings).fit(*sentences).n_iter_ > 4


def test_processes_share_batches_if_they_are_asked_to(sentences, monkeypatch):
    fit, asked = portnn.TextClassifier.fit, []

    def noting(self, *data, workers="none given", **settings):
        asked.append(workers)
        return fit(self, *data, **settings, workers=1)

    monkeypatch.setattr(portnn.TextClassifier, "fit", noting)
    for jobs in (None, 1, 2, -1):
        network(n_jobs=jobs, max_iter=1).fit(*sentences)
    assert asked == [1, 1, 2, None]


def test_a_loss_that_rises_is_no_error_as_long_as_it_is_finite(sentences):
    model = network(learning_rate_init=30.0, clip_norm=None, max_iter=3).fit(*sentences)
    assert max(model.loss_curve_) > 5.0


def test_weights_of_texts_and_of_classes(sentences):
    texts, labels = sentences
    labels = ["yes" if label == "yes" or row % 3 else "no" for row, label in enumerate(labels)]
    balanced = network(max_iter=2, class_weight="balanced").fit(texts, labels)
    weights = compute_sample_weight("balanced", labels)
    by_text = network(max_iter=2).fit(texts, labels, weights)
    assert balanced.loss_curve_ == by_text.loss_curve_
    assert by_text.loss_curve_ != network(max_iter=2).fit(texts, labels).loss_curve_
    both = network(max_iter=2, class_weight={"no": 2.0}).fit(texts, labels, sample_weight=weights)
    product = weights * [2.0 if label == "no" else 1.0 for label in labels]
    assert both.loss_curve_ == network(max_iter=2).fit(texts, labels, product).loss_curve_


def test_vectors_come_from_elsewhere_and_may_stay(sentences):
    wv = (
        portnn.Word2Vec(vector_size=8, min_count=1, epochs=1, seed=1)
        .fit([text.split() for text in sentences[0]], progress=False)
        .wv
    )
    model = network(vectors=wv, frozen_embedding=True, word_dropout=0.0, max_iter=2).fit(*sentences)
    table = model.text_classifier_.params["embedding.weight"]
    assert_allclose(table[model.vocabulary_["not"]], wv["not"], rtol=1e-6)
    assert clone(model).fit(*sentences).loss_curve_ == model.loss_curve_


def test_an_interrupt_ends_training_with_what_it_has_come_to(sentences, monkeypatch):
    measure, measured = portnn.estimators.text_classifier.monitored, []

    def stopping(evaluator, monitor):
        def evaluate(params):
            measured.append(measure(evaluator, monitor)(params))
            if len(measured) == 2:
                signal.raise_signal(signal.SIGINT)
            return measured[-1]

        return evaluate

    monkeypatch.setattr(portnn.estimators.text_classifier, "monitored", stopping)
    with pytest.warns(UserWarning, match=r"^Training interrupted by user\.$"):
        model = network(max_iter=30, early_stopping=True).fit(*sentences)
    assert model.n_iter_ == 2
    assert model.validation_scores_ == [1.0 - loss for loss in measured[:2]]
    assert model.predict(sentences[0][:2]).shape == (2,)


# What it refuses


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("good", TypeError, "X is a str, expected several texts: a list, array or Series of str"),
        (pathlib.Path("reviews.tsv"), TypeError, "X is a PosixPath, expected several texts"),
        (["good", None], TypeError, "each text must be a str, got NoneType None as text 1"),
        (["good", float("nan")], TypeError, "each text must be a str, got float nan as text 1"),
        ([b"good", b"bad"], TypeError, "each text must be a str, got bytes"),
        ([["good"], ["bad"]], TypeError, "each text must be a str, got list"),
        (np.asarray([["good"], ["bad"]]), ValueError, r"X has shape \(2, 1\), expected one axis of texts"),
        (scipy.sparse.eye_array(2), TypeError, "X is sparse, expected texts as they are: no vectorizer comes before"),
        ([], ValueError, "there are no texts"),
    ],
)
def test_what_is_no_texts(fitted, X, error, message):
    for call in (lambda: network().fit(X, [0, 1]), lambda: fitted.predict(X), lambda: fitted.predict_proba(X)):
        with pytest.raises(error, match=f"^{message}"):
            call()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        ([0, 1, 1], r"Found input variables with inconsistent numbers of samples: \[4, 3\]"),
        ([1, 1, 1, 1], "there is only one class, 1; a classifier needs at least two"),
        ([0.5, 1.5, 0.25, 2.0], "Unknown label type"),
        ([0.0, 1.0, float("nan"), 1.0], "Input y contains NaN"),
        ([[0, 1], [2, 1], [0, 3], [1, 1]], "y has several columns of classes; several columns must hold 0 and 1"),
    ],
)
def test_y(y, message):
    with pytest.raises(ValueError, match=message):
        network().fit(["a", "b", "c", "d"], y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cell": "elman"}, "unknown cell 'elman'; known: "),
        ({"max_iter": 0}, "max_iter must be a positive whole number, got 0"),
        ({"n_jobs": 0}, "n_jobs must be a positive whole number, got 0"),
        ({"dropout": 1.5}, "dropout must be"),
        ({"solver": "lbfgs"}, "unknown optimizer 'lbfgs'"),
        ({"class_weight": "even"}, 'class_weight must be a dict or "balanced"'),
        ({"early_stopping": True}, "The test_size = 1 should be greater or equal to the number of classes"),
        ({"frozen_embedding": True, "embedding_size": None}, "frozen_embedding needs an embedding"),
        ({"min_count": 2}, "min_count 2 drops every word"),
    ],
)
def test_parameters_are_checked_by_fit(parameters, message):
    model = network(**parameters)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        model.fit(["a", "b", "c", "d"], [0, 1, 0, 1])
    assert not hasattr(model, "classes_")


def test_before_it_is_fitted_it_has_no_answers():
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(network(), method)(["good"])
    for name in ("classes_", "vocabulary_", "n_iter_"):
        assert not hasattr(network(), name)


# As an object


def test_every_setting_of_the_network_is_a_parameter_with_the_same_default():
    parameters = TextClassifier().get_params()
    settings = declared(TextClassifierSettings)
    assert set(settings) - set(parameters) == {"seed", "multi_label"}
    assert {name: parameters[name] for name in settings if name in parameters} == {
        name: setting.default for name, setting in settings.items() if name in parameters
    }
    run = declared(TextClassifierRun)
    names = {"solver": "optimizer", "learning_rate_init": "learning_rate"}
    for name in ("solver", "learning_rate_init", "batch_size", "schedule", "clip_norm", "clip_value", "vectors"):
        assert parameters[name] == run[names.get(name, name)].default
    assert parameters["max_iter"] == TextClassifierRun.EPOCHS
    assert set(declared(TextParameters)) == set(parameters)


def test_parameters():
    model = TextClassifier("gru", hidden_size=32, backend=portnn.backend("numpy"))
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(tol=0.1, backend="numpy").get_params()["tol"] == 0.1
    assert repr(model) == "TextClassifier(cell='gru', hidden_size=32, tol=0.1)"
    documented = TextClassifier.__doc__.split("Attributes")[0]
    assert [name for name in model.get_params() if f"\n{name} : " not in documented] == []
    with pytest.raises(ValueError, match="Invalid parameter 'hiden_size'"):
        model.set_params(hiden_size=5)
    assert is_classifier(model)
    assert get_tags(model).classifier_tags.multi_label
    assert get_tags(model).input_tags.string


def test_copies_of_a_fitted_one_and_the_file_of_its_network_answer_alike(sentences, fitted, tmp_path):
    texts, _ = sentences
    right = fitted.predict_proba(texts)
    for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert np.array_equal(again.predict_proba(texts), right)
        assert again.classes_.tolist() == ["no", "yes"]
    fitted.text_classifier_.save(tmp_path / "model.safetensors")
    assert np.array_equal(portnn.load(tmp_path / "model.safetensors").predict_proba(texts), right)
    assert not hasattr(clone(fitted), "classes_")
