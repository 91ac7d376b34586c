"""TextClassifier computes in the library that its parameter `backend` names, and answers on the host."""

from __future__ import annotations

import pickle

import numpy as np
from numpy.testing import assert_allclose
from sklearn.base import clone

from portnn.sklearn import TextClassifier

TEXTS, LABELS = ["good", "not good", "bad", "not bad"] * 4, ["+", "-", "-", "+"] * 4


def test_it_trains_and_answers_with_any_library(backend32):
    model = TextClassifier(
        hidden_size=8, embedding_size=8, batch_size=8, max_iter=2, random_state=0, early_stopping=True
    )
    there = clone(model.set_params(backend=backend32)).fit(TEXTS, LABELS)
    assert there.text_classifier_.backend == backend32
    for answers in (there.predict(TEXTS), there.predict_proba(TEXTS), there.decision_function(TEXTS)):
        assert isinstance(answers, np.ndarray)
    here = clone(model.set_params(backend="numpy")).fit(TEXTS, LABELS)
    assert_allclose(there.predict_proba(TEXTS), here.predict_proba(TEXTS), atol=1e-5)
    assert_allclose(there.loss_curve_, here.loss_curve_, rtol=1e-5)
    again = pickle.loads(pickle.dumps(there))
    assert_allclose(again.predict_proba(TEXTS), there.predict_proba(TEXTS), atol=1e-6)
