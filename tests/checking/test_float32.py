"""What runs on every device, those without float64 included: models and estimators in float32."""

import numpy as np
import pytest

import portnn
from portnn.checking import cases, check_losses, check_parity, training_cases, training_losses
from portnn.optimizers import optimizer

STEPS = 40
SOME = list(training_cases())[2::4]
"""`examples/parity.py` trains all, in float32, too."""


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_results_and_gradients_are_those_of_numpy(backend32, case):
    check_parity(case.function, case.arrays, [backend32])


@pytest.mark.parametrize("case", SOME, ids=lambda case: case.name)
def test_the_loss_at_each_step_is_the_same_as_on_numpy(backend32, case):
    here = portnn.backend("numpy")
    ours, numpys = (
        training_losses(case.model, optimizer("adam"), case.batches(), each, steps=STEPS, learning_rate=0.01)
        for each in (backend32, here)
    )
    check_losses(ours, numpys, backend32)


QUIET = {"progress": False}


def test_a_language_model_learns_evaluates_and_samples(backend32, tmp_path):
    model = portnn.CharRNN(hidden_size=8, backend=backend32, seed=1)
    model.fit("abcab" * 80, steps=20, batch_size=4, seq_length=5, **QUIET)
    loss = model.evaluate("abcab" * 20).nats
    assert loss < np.log(3)
    model.save(tmp_path / "model.safetensors")
    again = portnn.load(tmp_path / "model.safetensors", backend="numpy")
    assert again.evaluate("abcab" * 20).nats == pytest.approx(loss, rel=1e-4)
    assert again.sample(20, temperature=0.0) == model.sample(20, temperature=0.0)


def test_a_network_learns_and_predicts(backend32, rng):
    x = rng.normal(size=(60, 2)).astype(np.float32)
    y = (x[:, 0] > 0.0).astype(np.int64)
    model = portnn.MLP((8,), backend=backend32, seed=1).fit(x, y, steps=200, learning_rate=0.05, **QUIET)
    assert np.mean(np.asarray(model.predict(x)) == y) > 0.9


def test_word_vectors_are_learned_and_asked(backend32):
    sentences = [["red", "green", "blue"], ["one", "two", "three"]] * 30
    model = portnn.Word2Vec(vector_size=4, window=2, min_count=1, epochs=2, seed=1, backend=backend32).fit(
        sentences, **QUIET
    )
    assert {word for word, _ in model.wv.most_similar("red", topn=5)} == {"green", "blue", "one", "two", "three"}
