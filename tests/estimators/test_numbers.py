"""Numbers of any library are settings, a seed may be drawn, and nothing that cannot be saved is trained."""

import contextlib
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import portnn
from portnn.settings import declared

from .examples import every_estimator, fit, make, tables

pytestmark = pytest.mark.host

NUMBERS = {
    "of 32 bits": (np.uint8, np.float32),
    "of 64 bits": (np.int64, np.float64),
    "0-d arrays": (np.array, np.array),
    "fractions": (int, Fraction),
    "decimals": (int, Decimal),
}
"""Types of whole and of real numbers."""


def other_numbers(record, kinds, whole, real):
    """A record of settings with its numbers replaced by others of equal value."""
    for name, value in record.items():
        if kinds[name].kinds == (int,) and isinstance(value, int):
            yield name, whole(value)
        elif kinds[name].kinds == (float,) and isinstance(value, float) and value in (0.0, 0.5, 0.25, 2.0):
            yield name, real(value)


@pytest.mark.parametrize(("whole", "real"), NUMBERS.values(), ids=NUMBERS)
@pytest.mark.parametrize("name", every_estimator)
def test_settings_may_be_numbers_of_any_library(name, whole, real, tmp_path):
    plain = fit(make(name), out=tmp_path / "plain")
    settings = plain.settings.to_json()
    changes = dict(other_numbers(settings, declared(type(plain.settings)), whole, real))
    assert "seed" in changes
    other = fit(make(name, **changes), steps=whole(6), out=tmp_path / "other", checkpoint_every=whole(1))
    assert other.settings == plain.settings
    assert [type(value) for value in other.settings.to_json().values()] == [type(value) for value in settings.values()]
    assert tables(other) == tables(plain)
    other.save(tmp_path / "model.safetensors")
    assert portnn.load(tmp_path / "model.safetensors").settings.to_json() == settings


@pytest.mark.parametrize("name", [name for name in every_estimator if name != "Word2Vec"])
def test_a_learning_rate_of_float32_reaches_the_checkpoint(name, tmp_path):
    model = fit(make(name), learning_rate=np.float32(0.125), out=tmp_path / "run", checkpoint_every=2)
    assert model.history.step == 6
    fit(make(name), learning_rate=0.125, out=tmp_path / "run", resume=True, steps=8)


def patient_fit(model, **changes):
    """Fit an estimator whose seed nobody has chosen: a few start so that the loss leaps at first."""
    return fit(model, divergence_factor=1e6, **changes)


@pytest.mark.parametrize("name", every_estimator)
def test_a_seed_that_is_none_is_drawn_and_kept(name, tmp_path):
    models = [patient_fit(make(name, seed=None)) for _ in range(3)]
    seeds = [model.settings.seed for model in models]
    assert all(type(seed) is int for seed in seeds)
    assert len(set(seeds)) > 1
    models[0].save(tmp_path / "model.safetensors")
    assert portnn.load(tmp_path / "model.safetensors").settings.seed == seeds[0]
    assert tables(patient_fit(make(name, seed=seeds[0]))) == tables(models[0])


@pytest.mark.parametrize("name", every_estimator)
def test_a_run_with_a_drawn_seed_is_resumed_with_its_seed(name, tmp_path):
    first = patient_fit(make(name, seed=None), out=tmp_path / "run")
    second = patient_fit(make(name, seed=None), out=tmp_path / "run", resume=True, steps=9)
    assert second.settings.seed == first.settings.seed
    for run in ({}, {"resume": True, "steps": 9}):
        plain = patient_fit(make(name, seed=first.settings.seed), out=tmp_path / "plain", **run)
    assert tables(second) == tables(plain)
    other = first.settings.seed + 1
    with pytest.raises(portnn.CheckpointError, match=f"has seed {first.settings.seed}, not {other}"):
        patient_fit(make(name, seed=other), out=tmp_path / "run", resume=True, steps=9)


@pytest.mark.parametrize("name", every_estimator)
def test_what_no_checkpoint_can_record_is_refused_before_the_first_step(name, monkeypatch, tmp_path):
    steps = []
    model = make(name)
    monkeypatch.setattr(type(model), "_own_facts", lambda self: {"things": {"one": [np.int64(1)]}})
    with pytest.raises(
        TypeError, match=r"^the checkpoint: things.one is of type int64, which no checkpoint can record$"
    ):
        fit(model, out=tmp_path / "run", callbacks=[lambda event: steps.append(event.step)])
    assert steps == []
    assert model.params is None


def test_class_weights_may_be_of_numpys_numbers(tmp_path):
    weights = {np.int64(0): np.float32(0.5), np.int64(1): np.float64(2.0), 2: Fraction(1, 4)}
    model = fit(make("MLP", class_weight=weights))
    model.save(tmp_path / "model.safetensors")
    assert portnn.load(tmp_path / "model.safetensors").settings.class_weight == {0: 0.5, 1: 2.0, 2: 0.25}
    with pytest.raises(TypeError, match=r"^class_weight\[1\] must be a number, got 'heavy'$"):
        make("MLP", class_weight={1: "heavy"})


def test_a_diverged_run_of_several_processes_says_one_thing(capfd):
    for name in ("CharRNN", "MLP"):
        model = make(name)
        with pytest.raises(portnn.DivergenceError):
            fit(model, learning_rate=1e30, optimizer="sgd", clip_norm=None, workers=2, steps=200)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [1e3, 1e30, 1e300])
@pytest.mark.parametrize("name", every_estimator)
def test_a_diverging_run_is_one_error_without_warnings(name, rate, dtype):
    """Warnings are errors here. No rate is too large for it, and nothing that is measured on held-out data."""
    if name == "Word2Vec":
        model, run = make(name, dtype=dtype, alpha=rate, min_alpha=rate), {}
    else:
        model, run = make(name, dtype=dtype), {"learning_rate": rate, "optimizer": "nesterov", "evaluate_every": 1}
    with contextlib.suppress(portnn.DivergenceError):
        fit(model, steps=30, divergence_factor=1e30, **run)
