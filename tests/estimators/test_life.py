"""The life that every estimator has: found through the registry, so a new one is tested without a word here."""

from __future__ import annotations

import copy
import math
import os
import pickle
import signal

import joblib
import numpy as np
import pytest

import portnn
from portnn.checkpoints import CheckpointError, load_checkpoint
from portnn.estimators.registry import estimator_class
from portnn.settings import Range, declared
from portnn.training import DivergenceError, Interrupted

from .examples import EXAMPLES, every_estimator, fit, make, tables

each = pytest.mark.parametrize("name", every_estimator)


@pytest.mark.host
def test_every_estimator_has_an_example():
    assert list(EXAMPLES) == every_estimator


@each
def test_before_fit_there_is_nothing_but_what_it_was_made_with(name, tmp_path):
    model = make(name)
    assert (model.metrics, model.history, model.params, model.model) == ([], None, None, None)
    for call in (lambda: model.save(tmp_path / "x"), lambda: model.to("numpy"), lambda: EXAMPLES[name].ask(model)):
        with pytest.raises(ValueError, match=f"this {name} has not been fitted yet"):
            call()


@each
def test_fit_returns_the_model_with_its_history_and_metrics(name, backend):
    model = make(name, backend)
    assert fit(model, log_every=2, evaluate_every=2) is model
    assert model.history.step == 6
    assert [line["step"] for line in model.metrics] == [2, 4, 6]
    assert model.backend is backend
    first = tables(model)
    assert fit(model) is model
    assert tables(model) != first


@each
def test_one_seed_is_one_model(name, backend):
    one, again, other = (fit(make(name, backend, seed=seed)) for seed in (3, 3, 4))
    assert tables(one) == tables(again) != tables(other)


@each
def test_resume_continues_bit_for_bit(name, backend, tmp_path):
    """With dropout, a carry, and across the end of the data: the last checkpoint is older than the end of the run."""
    settings = {"checkpoint_every": 19}

    def fail(event):
        if event.step == 22:
            raise KeyError("planted")

    whole = fit(make(name, backend), 33, out=tmp_path / "whole", **settings)
    with pytest.raises(KeyError, match="planted"):
        fit(make(name, backend), 33, out=tmp_path / "parts", callbacks=[fail], **settings)
    assert load_checkpoint(tmp_path / "parts" / "last.safetensors")[1]["run"]["step"] == 19
    parts = fit(make(name, backend), 33, out=tmp_path / "parts", resume=True, **settings)
    assert tables(whole) == tables(parts)
    (arrays, facts), (others, other_facts) = (
        load_checkpoint(tmp_path / run / "last.safetensors") for run in ("whole", "parts")
    )
    assert {key: array.tobytes() for key, array in arrays.items()} == {
        key: array.tobytes() for key, array in others.items()
    }
    for key in ("step", "position", "first_loss", "held_out_loss", "best_held_out_loss", "losses", "epoch_loss"):
        assert facts["run"][key] == other_facts["run"][key], key


@pytest.mark.host
@each
def test_a_signal_saves_and_the_model_is_as_far_as_it_came(name, tmp_path):
    def strike(event):
        if event.step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    whole, model = fit(make(name), 12, out=tmp_path / "whole"), make(name)
    with pytest.raises(Interrupted):
        fit(model, 12, out=tmp_path / "parts", callbacks=[strike])
    assert model.history.step == 5
    EXAMPLES[name].ask(model)
    assert tables(fit(make(name), 12, out=tmp_path / "parts", resume=True)) == tables(whole)


@pytest.mark.host
@each
def test_an_error_in_a_callback_leaves_the_model_as_far_as_it_came(name):
    def fail(event):
        if event.step == 3:
            raise KeyError("planted")

    model = make(name)
    with pytest.raises(KeyError, match="planted"):
        fit(model, callbacks=[fail])
    assert model.history.step == 3
    EXAMPLES[name].ask(model)


@pytest.mark.host
@pytest.mark.parametrize("name", [name for name in every_estimator if "held_out" in EXAMPLES[name].run])
@pytest.mark.parametrize("how", ["a signal", "an error"])
def test_with_patience_the_best_parameters_are_kept_however_the_run_ends(name, how):
    at = {}

    def spoil_and_end(event):
        at[event.step] = {key: portnn.backends.to_host(array).tobytes() for key, array in event.params.items()}
        if event.step == 8 and how == "an error":
            raise KeyError("planted")
        if event.step == 8:
            os.kill(os.getpid(), signal.SIGINT)
        return {key: array * 100.0 for key, array in event.params.items()} if event.step == 5 else None

    model = make(name)
    settings = {"patience": 9, "evaluate_every": 2, "log_every": 2, "divergence_factor": math.inf}
    with pytest.raises((Interrupted, KeyError)):
        fit(model, 12, callbacks=[spoil_and_end], **settings)
    losses = {line["step"]: line["held_out_loss"] for line in model.metrics if line["held_out_loss"] is not None}
    best = min(losses, key=losses.get)
    assert best < 6 <= max(losses), "the case shows nothing if the last measured is the best"
    assert tables(model) == at[best]
    assert model.history.step == 8
    EXAMPLES[name].ask(model)


@pytest.mark.host
@each
def test_what_is_refused_or_diverges_leaves_the_model_as_it_was(name, tmp_path):
    def spoil(event):
        return {key: array * math.nan for key, array in event.params.items()}

    model = make(name)
    before = dict(vars(model))
    for broken in ({"callbacks": [spoil]}, {"steps": 0}, {"clip_norm": -1.0}, {"optimizer": "newton"}):
        with pytest.raises((DivergenceError, ValueError)):
            fit(model, **broken)
        assert vars(model) == before
    first = tables(fit(model))
    history, metrics = model.history, list(model.metrics)
    with pytest.raises(DivergenceError):
        fit(model, callbacks=[spoil], out=tmp_path / "run")
    assert tables(model) == first
    assert (model.history, model.metrics) == (history, metrics)
    # And what comes after is what would have come without it.
    assert tables(fit(model)) == tables(fit(fit(make(name))))


@pytest.mark.host
@each
def test_a_run_is_replaced_only_if_that_is_said(name, tmp_path):
    fit(make(name), out=tmp_path)
    with pytest.raises(ValueError, match="already holds a run"):
        fit(make(name), out=tmp_path)
    fit(make(name), 4, out=tmp_path, overwrite=True)
    assert load_checkpoint(tmp_path / "last.safetensors")[1]["run"]["step"] == 4


@pytest.mark.host
@each
def test_a_run_is_resumed_only_with_the_settings_that_are_fixed(name, tmp_path):
    """Every setting that is declared so, of the estimator and of the run."""
    fit(make(name), out=tmp_path)
    kind = estimator_class(name)
    fixed = [setting for of in (kind.SETTINGS, kind.RUN) for setting in declared(of).values() if setting.fixed]
    assert len(fixed) >= 4
    for setting in fixed:
        facts = load_checkpoint(tmp_path / "last.safetensors")[1]
        for part in ("settings", "fit"):
            if setting.name in facts[part]:
                facts[part][setting.name] = "another"
        arrays = load_checkpoint(tmp_path / "last.safetensors")[0]
        other = tmp_path / "other"
        portnn.checkpoints.save_checkpoint(other / "last.safetensors", arrays, facts)
        with pytest.raises(CheckpointError, match=f"cannot resume: the checkpoint has {setting.name} 'another', not"):
            fit(make(name), 8, out=other, resume=True)


@pytest.mark.host
@each
def test_other_data_or_another_estimator_is_not_resumed(name, tmp_path):
    fit(make(name), out=tmp_path)
    with pytest.raises(CheckpointError, match=r"is not the (text|table|data) trained on"):
        fit(make(name), 8, EXAMPLES[name].other, out=tmp_path, resume=True)
    arrays, facts = load_checkpoint(tmp_path / "last.safetensors")
    for changed, message in (
        ({**facts, "data": {**facts["data"], "sha256": "0"}}, "is not the (text|table|data) trained on"),
        ({**facts, "data": {**facts["data"], "size": 7}}, "had 7"),
        ({**facts, "dtype": "float16"}, "dtype 'float16', not"),
        ({**facts, "estimator": "Oracle"}, f"holds 'Oracle', not '{name}'"),
        ({key: fact for key, fact in facts.items() if key != "run"}, "no training state"),
    ):
        portnn.checkpoints.save_checkpoint(tmp_path / "other" / "last.safetensors", arrays, changed)
        with pytest.raises(CheckpointError, match=message):
            fit(make(name), 8, out=tmp_path / "other", resume=True)


@each
def test_it_can_be_copied_and_pickled_at_every_moment(name, backend, tmp_path):
    def twins(model):
        joblib.dump(model, tmp_path / "model.joblib")
        yield pickle.loads(pickle.dumps(model))
        yield copy.deepcopy(model)
        yield joblib.load(tmp_path / "model.joblib")

    model = make(name, backend)
    early = [*twins(model)]
    once = tables(fit(model))
    for twin in early:
        assert tables(fit(twin)) == once
    answer, twice = EXAMPLES[name].ask(model), tables(fit(fit(make(name, backend))))
    for twin in twins(model):  # after it has been asked, too
        assert EXAMPLES[name].ask(twin) == answer
        assert twin.history.step == 6
        assert tables(fit(twin)) == twice
    model.save(tmp_path / "model.safetensors")
    for twin in twins(portnn.load(tmp_path / "model.safetensors", backend=backend)):
        assert tables(twin) == tables(model)


@each
def test_it_moves_to_another_library_with_its_optimizer(name, backend):
    model = fit(make(name))
    host = tables(model)
    assert model.to(backend.name, device=None if backend.name == "numpy" else backend.device) is model
    assert model.backend.name == backend.name
    assert tables(model) == host
    EXAMPLES[name].ask(model)
    assert tables(model.to("numpy")) == host
    if hasattr(model, "partial_fit"):
        data = EXAMPLES[name].data
        assert tables(model.partial_fit(*data)) == tables(fit(make(name)).partial_fit(*data))


@each
def test_what_is_saved_is_loaded_on_any_library(name, backend, tmp_path):
    model = fit(make(name, backend))
    model.save(tmp_path / "model.safetensors")
    for place in (backend, "numpy"):
        loaded = portnn.load(tmp_path / "model.safetensors", backend=place)
        assert type(loaded) is type(model)
        assert tables(loaded) == tables(model)
        assert loaded.settings.to_json() == model.settings.to_json()
        assert (loaded.metrics, loaded.history) == ([], None)
        EXAMPLES[name].ask(loaded)
    _, facts = load_checkpoint(tmp_path / "model.safetensors")
    assert not {"backend", "device"} & {*facts, *facts["settings"], *facts["model"]}


@pytest.mark.host
@each
def test_every_declared_number_is_checked_before_anything_is_done(name):
    kind = estimator_class(name)
    for setting in declared(kind.SETTINGS).values():
        for wrong in wrong_values(setting):
            with pytest.raises((TypeError, ValueError), match=f"{setting.name} must be"):
                make(name, **{setting.name: [wrong] if isinstance(setting.default, tuple) else wrong})
    for setting in declared(kind.RUN).values():
        for wrong in wrong_values(setting):
            with pytest.raises((TypeError, ValueError), match=f"{setting.name} must be"):
                fit(make(name), **{"steps": None, setting.name: wrong})


def wrong_values(setting):
    """Values that a setting must refuse."""
    within = setting.mark(Range)
    return [] if within is None else [math.nan, "x", True, *([] if within.holds(-1e9) else [-1e9])]


@pytest.mark.host
@each
def test_numbers_of_numpy_are_as_good_as_those_of_python(name, tmp_path):
    kinds = {int: np.int64, float: np.float32, bool: np.bool_}

    def converted(settings):
        return {key: kinds[type(value)](value) if type(value) in kinds else value for key, value in settings.items()}

    settings, _, run, *_ = EXAMPLES[name]
    model = make(name, **converted({"seed": 3, **settings}))
    fit(model, **converted({"steps": 6, **run, "clip_norm": 0.125}), out=tmp_path)
    assert load_checkpoint(tmp_path / "last.safetensors")[1]["fit"]["clip_norm"] == 0.125
    assert portnn.load(tmp_path / "last.safetensors").settings.seed == 3


@pytest.mark.host
@each
def test_a_setting_nobody_knows_is_refused_by_name(name):
    with pytest.raises(TypeError, match=rf"{name}\.__init__\(\) got an unexpected keyword argument 'hiden'"):
        make(name, hiden=3)
    with pytest.raises(TypeError, match=r"fit\(\) got an unexpected keyword argument 'epoch'"):
        fit(make(name), epoch=3)


@pytest.mark.host
@each
def test_recipes_are_settings(name):
    kind = estimator_class(name)
    for recipe in kind.RECIPES:
        model, run = kind.recipe(recipe)
        kind.SETTINGS(**model)
        kind.RUN(**run)
    with pytest.raises(ValueError, match="unknown recipe 'cake'; known: "):
        kind.recipe("cake")
