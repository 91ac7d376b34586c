import math
import os
import signal

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.backends import Backend
from portnn.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from portnn.models import FeedForward
from portnn.objectives import OBJECTIVES
from portnn.objectives.label_kinds import BINARY
from portnn.tables import split_ids
from portnn.training import DivergenceError, Interrupted, read_metrics

QUIET = {"progress": False}


@pytest.fixture
def table(rng):
    """Points in three sectors, and which one."""
    x = rng.normal(size=(60, 2))
    return x, np.floor((np.arctan2(x[:, 1], x[:, 0]) / np.pi + 1.0) * 1.5).astype(np.int64) % 3


def small(backend=None, **options):
    return portnn.MLP((8, 6), "tanh", backend=backend, seed=2, **options)


def test_it_learns_where_its_arrays_are(backend, backend32, place, table):
    for each in (backend, backend32):
        x = each.asarray(table[0])
        model = small().fit(x, each.asarray(table[1]), epochs=60, learning_rate=0.02, **QUIET)
        assert (model.backend.name, model.backend.dtype) == (each.name, each.dtype)
        assert model.score(x, table[1]) > 0.9
        for array in (model.predict_proba(x), model.outputs(x), *model.hidden(x), model.pack()):
            found = portnn.backend_of(array=array)
            assert (found.name, found.dtype, found.device) == (each.name, each.dtype, portnn.backends.device(x))
        assert set(each.to_host(model.predict(x)).tolist()) <= {0, 1, 2}


def test_predictions_live_where_x_lives(backend, table):
    x = backend.asarray(table[0])
    model = small().fit(x, table[1], epochs=1, **QUIET)
    for found in (model.predict(x), model.predict_proba(x), model.outputs(x)):
        assert portnn.backends.device(found) == portnn.backends.device(x)
        assert type(found) is type(x)
    assert isinstance(model.predict(table[0]), np.ndarray)
    assert isinstance(model.predict(table[0].tolist()), np.ndarray)


def test_every_library_trains_to_the_same_parameters(backend, table):
    here = Backend("numpy", np, None, "float64")
    found = [
        each.to_host(small(each, dropout=0.2, l2=0.01).fit(*table, epochs=20, batch_size=7, **QUIET).pack())
        for each in (here, backend)
    ]
    assert_allclose(*found, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_loss_and_gradient_agree_with_central_differences_along_the_flat_vector(backend, table, rng, objective):
    x, y = table
    y = y % 2 if OBJECTIVES[objective].label is BINARY else y
    model = portnn.MLP((4,), "tanh", objective, l2=0.1, backend=backend).fit(x, y, steps=1, **QUIET)
    vector, direction = backend.to_host(model.pack()), rng.normal(size=model.pack().shape)
    _, gradient = model.loss_and_gradient(x, y)

    def at(step):
        model.unpack(vector + step * direction)
        return model.loss_and_gradient(x, y)[0]

    numeric = (at(1e-6) - at(-1e-6)) / 2e-6
    assert_allclose(np.sum(backend.to_host(gradient) * direction), numeric, rtol=1e-7)


def test_pack_is_a_copy_and_unpack_brings_it_back(backend, table):
    model = small(backend).fit(*table, steps=3, **QUIET)
    before, outputs = backend.to_host(model.pack()), model.outputs(table[0])
    assert before.shape == (2 * 8 + 8 + 8 * 6 + 6 + 6 * 3 + 3,)
    model.unpack(np.zeros_like(before))
    assert not np.any(model.outputs(table[0]))
    model.unpack(backend.asarray(before))
    assert np.array_equal(model.outputs(table[0]), outputs)
    with pytest.raises(ValueError, match=r"the vector has shape \(3,\), but the parameters have 99 entries"):
        model.unpack(np.zeros(3))


@pytest.mark.parametrize("labels", [["c", "a", "b"], [7, -1, 3], [2.5, 0.5, 1.5]], ids=str)
def test_labels_come_back_as_they_were(backend, table, labels):
    x, ids = table
    y = np.asarray(labels)[ids]
    model = small(backend).fit(x, y.tolist(), epochs=80, learning_rate=0.02, **QUIET)
    predicted = model.predict(x)
    assert np.mean(predicted == y) > 0.9
    assert predicted.dtype.kind == y.dtype.kind
    assert model.classes.labels.tolist() == sorted(labels)
    assert model.predict_proba(x).shape == (60, 3)


def test_two_classes_share_one_logit(backend, table):
    x, y = table[0], table[0][:, 0] > 0.0
    model = portnn.LogisticRegression(backend=backend).fit(x, y, **QUIET)
    assert model.model.sizes == (2, 1)
    assert model.score(x, y) > 0.95
    probabilities = model.predict_proba(x)
    assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    assert np.array_equal(probabilities[:, 1] > 0.5, model.predict(x))
    assert model.predict(x).dtype == bool
    with pytest.raises(ValueError, match="tells 2 classes apart, but y has 3"):
        portnn.LogisticRegression(backend=backend).fit(x, table[1], **QUIET)


def test_several_questions_a_row(backend, table):
    x = table[0]
    y = np.stack([x[:, 0] > 0.0, x[:, 1] > 0.0, x[:, 0] > x[:, 1]], axis=1).astype(np.float64)
    model = portnn.LogisticRegression(backend=backend).fit(x, y, **QUIET)
    assert model.score(x, y) > 0.9
    assert model.predict(x).shape == model.predict_proba(x).shape == (60, 3)


@pytest.mark.parametrize("columns", [0, 1, 2])
def test_a_regression_keeps_the_shape_of_y(backend, table, columns):
    x = table[0]
    y = x @ np.asarray([2.0, -1.0]) + 0.5
    y = y if columns == 0 else np.stack([y] * columns, axis=1)
    model = portnn.LinearRegression(backend=backend).fit(x, y, **QUIET)
    assert model.predict(x).shape == y.shape
    assert model.score(x, y) > 0.9999
    assert_allclose(backend.to_host(model.params["layers.0.bias"]), 0.5, atol=1e-3)
    with pytest.raises(ValueError, match="a regression predicts no probabilities"):
        model.predict_proba(x)


def test_r2_is_that_of_its_definition(backend, table):
    x, y = table[0], table[0][:, 0] ** 2
    model = portnn.LinearRegression(backend=backend).fit(x, y, steps=20, **QUIET)
    right = 1.0 - np.sum((y - model.predict(x)) ** 2) / np.sum((y - y.mean()) ** 2)
    assert_allclose(model.score(x, y), right, rtol=1e-10)
    assert_allclose(model.evaluate(x, y).loss, 0.5 * np.mean((y - model.predict(x)) ** 2), rtol=1e-10)


def test_sample_weights_count_as_repeated_rows(backend, table):
    x, y = table
    counts = np.arange(60) % 3
    settings = {"epochs": 5, "batch_size": 1000, **QUIET}
    weighted = small(backend).fit(x, y, counts, **settings)
    repeated = small(backend).fit(np.repeat(x, counts, axis=0), np.repeat(y, counts), **settings)
    assert_allclose(weighted.outputs(x), repeated.outputs(x), rtol=1e-9, atol=1e-12)
    assert_allclose(
        weighted.evaluate(x, y, counts)[:2], repeated.evaluate(np.repeat(x, counts, axis=0), np.repeat(y, counts))[:2]
    )


def test_class_weights_are_sample_weights(backend, table):
    x, y = table
    settings = {"epochs": 5, "batch_size": 1000, **QUIET}
    given = small(backend, class_weight={0: 3.0, 2: 0.5}).fit(x, y, **settings)
    assert_allclose(given.outputs(x), small(backend).fit(x, y, np.asarray([3.0, 1.0, 0.5])[y], **settings).outputs(x))
    balanced = small(backend, class_weight="balanced").fit(x, y, **settings)
    weights = (len(y) / (3 * np.bincount(y)))[y]
    assert_allclose(balanced.outputs(x), small(backend).fit(x, y, weights, **settings).outputs(x))
    with pytest.raises(ValueError, match="class_weight has labels that y does not have: 9"):
        small(backend, class_weight={9: 1.0}).fit(x, y, **settings)


def test_standardized_inputs_make_units_irrelevant(backend, table):
    x, y = table
    one = small(backend, standardize=True).fit(x, y, epochs=3, **QUIET)
    other = small(backend, standardize=True).fit(1000.0 * x + 7.0, y, epochs=3, **QUIET)
    assert_allclose(one.outputs(x), other.outputs(1000.0 * x + 7.0), rtol=1e-6)


@pytest.mark.host
def test_held_out_rows_do_not_standardize(backend, table):
    x, y = table
    model = small(backend, standardize=True).fit(x, y, epochs=1, held_out=0.25, **QUIET)
    train, held = split_ids(60, 0.25, seed=2)
    assert (len(train), len(held)) == (45, 15)
    assert_allclose(model.scaling.mean, x[train].mean(axis=0))
    line = portnn.MLP((4,), "tanh", "squared_error", standardize_y=True, seed=2, backend=backend)
    line.fit(x, x[:, 0], epochs=1, held_out=0.25, **QUIET)
    assert_allclose(line.targets.scaling.mean, x[train, 0].mean())


def test_a_column_that_never_changes_is_no_trouble(backend, table):
    x = np.concatenate([table[0], np.full((60, 1), 5.0)], axis=1)
    assert np.all(np.isfinite(small(backend, standardize=True).fit(x, table[1], epochs=2, **QUIET).outputs(x)))


def test_early_stopping_keeps_the_best_parameters(backend, rng):
    x, y = rng.normal(size=(40, 5)), rng.integers(0, 2, 40)
    held = rng.normal(size=(30, 5)), rng.integers(0, 2, 30)
    model = small(backend).fit(
        x, y, epochs=400, learning_rate=0.05, held_out=held, patience=5, evaluate_every=1, **QUIET
    )
    losses = [line["held_out_loss"] for line in model.metrics]
    assert len(losses) < 400
    assert np.argmin(losses) == len(losses) - 6
    assert_allclose(model.evaluate(*held).loss, min(losses), rtol=1e-9)


def test_patience_without_held_out_rows_watches_the_training_loss(backend, table):
    x, y = table
    model = small(backend).fit(
        x, y, epochs=2000, learning_rate=0.01, patience=3, tolerance=1e-2, evaluate_every=1, **QUIET
    )
    losses = [line["loss"] for line in model.metrics]
    assert 4 < len(losses) < 2000
    assert all(losses[-k] >= min(losses[:-k]) - 1e-2 for k in (1, 2, 3))
    assert losses[-4] < min(losses[:-4]) - 1e-2


def test_held_out_rows_are_not_trained_on(backend, table):
    x, y = table
    model = small(backend).fit(x, y, epochs=3, held_out=0.25, **QUIET)
    assert all(math.isfinite(line["held_out_loss"]) for line in model.metrics)
    assert model.history.step == 3 * math.ceil(45 / 64)
    with pytest.raises(ValueError, match=r"held_out must be in \[0, 1\), got 1.5"):
        small(backend).fit(x, y, held_out=1.5, **QUIET)


def test_the_score_can_be_what_is_watched(backend, table):
    model = small(backend).fit(*table, epochs=5, held_out=table, monitor="score", **QUIET)
    assert_allclose(model.metrics[-1]["held_out_loss"], 1.0 - model.score(*table))
    with pytest.raises(ValueError, match="unknown monitor 'f1'; known: loss, score"):
        small(backend).fit(*table, monitor="f1", **QUIET)


def test_partial_fit_is_an_epoch_and_the_optimizer_goes_on(backend, table):
    x, y = table
    settings = {"batch_size": 60, "optimizer": "momentum", "learning_rate": 0.1}
    pieces = small(backend)
    for _ in range(4):
        pieces.partial_fit(x, y, classes=[0, 1, 2], **settings)
    whole = small(backend).fit(x, y, epochs=4, **settings, **QUIET)
    assert_allclose(pieces.outputs(x), whole.outputs(x), rtol=1e-10)
    assert pieces.history.step == 4


def test_partial_fit_needs_all_classes_at_first(backend, table):
    x, y = table
    model = small(backend).partial_fit(x[y < 2], y[y < 2], classes=[0, 1, 2])
    assert model.partial_fit(x, y).predict_proba(x).shape == (60, 3)
    with pytest.raises(ValueError, match="labels that training never saw: 2; the classes are 0, 1"):
        small(backend).partial_fit(x[y < 2], y[y < 2]).partial_fit(x, y)


@pytest.mark.host
def test_a_partial_fit_that_fails_changes_nothing(backend, table):
    x, y = table
    model = small(backend)
    with pytest.raises(ValueError, match="y has 5 rows"):
        model.partial_fit(x, y[:5], classes=[0, 1, 2])
    assert model.params is None
    assert np.array_equal(model.partial_fit(x, y).pack(), small(backend).partial_fit(x, y).pack())


@pytest.mark.host
@pytest.mark.parametrize("batch_size", [16, 60])
def test_resumed_is_as_never_stopped(tmp_path, backend, table, batch_size):
    settings = {"batch_size": batch_size, "held_out": 0.2, **QUIET}
    whole = small(backend, dropout=0.3, standardize=True).fit(*table, steps=23, out=tmp_path / "whole", **settings)
    small(backend, dropout=0.3, standardize=True).fit(*table, steps=11, out=tmp_path / "cut", **settings)
    model = small(backend, dropout=0.3, standardize=True)
    model.fit(*table, steps=23, out=tmp_path / "cut", resume=True, **settings)
    assert np.array_equal(model.pack(), whole.pack())
    one, two = (load_checkpoint(tmp_path / run / "last.safetensors") for run in ("whole", "cut"))
    assert one[1]["run"]["position"] == two[1]["run"]["position"] == 23
    assert one[0].keys() == two[0].keys()
    assert all(np.array_equal(one[0][name], two[0][name]) for name in one[0])
    assert {"rows_per_second", "held_out_loss"} <= read_metrics(tmp_path / "cut" / "metrics.jsonl")[-1].keys()


@pytest.mark.host
def test_early_stopping_is_the_same_when_resumed(tmp_path, backend, rng):
    x, y = rng.normal(size=(40, 5)), rng.integers(0, 2, 40)
    settings = {"learning_rate": 0.01, "held_out": 0.4, "patience": 6, "evaluate_every": 1, **QUIET}
    whole = small(backend).fit(x, y, epochs=300, out=tmp_path / "whole", **settings)
    assert 8 < whole.history.step < 300
    cut = whole.history.step - 3  # after the best, so that it comes out of the folder
    small(backend).fit(x, y, epochs=cut, out=tmp_path / "cut", **settings)
    model = small(backend).fit(x, y, epochs=300, out=tmp_path / "cut", resume=True, **settings)
    assert model.history.step == whole.history.step
    assert np.array_equal(model.pack(), whole.pack())


@pytest.mark.host
def test_what_cannot_be_resumed(tmp_path, backend, backend32, table):
    small(backend).fit(*table, steps=2, out=tmp_path, **QUIET)
    for model, (x, y), settings, message in (
        (small(backend), table, {"batch_size": 7}, "the checkpoint has batch_size 60, not 7"),
        (small(backend), table, {"optimizer": "sgd"}, "the checkpoint has optimizer"),
        (small(backend32), table, {}, "dtype 'float64', not 'float32'"),
        (small(backend, l2=1.0), table, {}, r"the checkpoint has l2 0\.0, not 1\.0"),
        (portnn.MLP((5,), "tanh", seed=2, backend=backend), table, {}, r"has hidden_layer_sizes \[8, 6\], not \[5\]"),
        (small(backend), (table[0] + 1.0, table[1]), {}, "the table given is not the table trained on"),
        (small(backend), (table[0][:50], table[1][:50]), {"batch_size": 60}, "not 50"),
    ):
        with pytest.raises(CheckpointError, match=message):
            model.fit(x, y, steps=4, out=tmp_path, resume=True, **settings, **QUIET)
    with pytest.raises(ValueError, match="already holds a run"):
        small(backend).fit(*table, steps=2, out=tmp_path, **QUIET)
    with pytest.raises(CheckpointError, match="holds 'MLP', not 'SoftmaxRegression'"):
        portnn.SoftmaxRegression(backend=backend).fit(*table, steps=2, out=tmp_path, resume=True, **QUIET)


@pytest.mark.parametrize("kind", ["MLP", "LinearRegression", "LogisticRegression", "SoftmaxRegression"])
def test_what_is_saved_loads_on_any_library(tmp_path, backend, table, kind):
    x, y = table
    y = np.asarray(["no", "yes", "yes"])[y] if kind == "LogisticRegression" else y
    model = getattr(portnn, kind)(standardize=True, seed=4).fit(x, y, epochs=5, **QUIET)
    model.save(tmp_path / "model.safetensors")
    loaded = portnn.load(tmp_path / "model.safetensors", backend=backend.name, device=device_of(backend))
    assert type(loaded) is type(model)
    assert_allclose(loaded.outputs(x), model.outputs(x), rtol=1e-10, atol=1e-12)
    if kind != "LinearRegression":
        assert np.array_equal(loaded.predict(x), model.predict(x))
    assert loaded.fit(x, y, epochs=1, **QUIET).evaluate(x, y).rows == 60


@pytest.mark.host
def test_what_a_checkpoint_may_not_hold(tmp_path, backend, table):
    path = tmp_path / "model.safetensors"
    small(backend, class_weight={0: 2.0}).fit(*table, epochs=1, **QUIET).save(path)
    assert portnn.load(path).settings.class_weight == {0: 2.0}
    arrays, facts = load_checkpoint(path)
    for wrong_arrays, wrong_facts, message in (
        ({**arrays, "params.layers.0.bias": np.zeros(3)}, facts, "layers.0.bias does not fit"),
        ({**arrays, "params.layers.0.bias": np.full(8, np.nan)}, facts, "layers.0.bias holds NaN or infinity"),
        (arrays, {**facts, "targets": None}, "facts are damaged"),
        (arrays, {**facts, "model": {**facts["model"], "activation": "none such"}}, "unknown activation 'none such'"),
        (
            arrays,
            {**facts, "targets": {**facts["targets"], "classes": {"labels": [2, 1, 0], "dtype": "<i8"}}},
            "labels",
        ),
    ):
        save_checkpoint(path, wrong_arrays, wrong_facts)
        with pytest.raises(CheckpointError, match=message):
            portnn.load(path)


def test_to_moves_a_fitted_model(backend, table):
    x, y = table
    model = small().fit(x, y, epochs=2, **QUIET)
    before = model.outputs(x)
    assert model.to(backend.name, device=device_of(backend)).backend.name == backend.name
    placed = backend.asarray(x)
    assert_allclose(backend.to_host(model.outputs(placed)), before, rtol=1e-11, atol=1e-13)
    assert model.to("numpy").backend.name == "numpy"
    assert np.array_equal(model.outputs(x), before)


@pytest.mark.host
def test_a_fit_that_fails_changes_nothing(backend, table):
    x, y = table
    model = small(backend)
    for wrong, settings, message in (
        (y * 0, {}, "only one class"),
        (y[:5], {}, "y has 5 rows"),
        (y, {"steps": 0}, "steps must be"),
        (y, {"evaluate_every": 0}, "evaluate_every must be"),
        (y, {"log_every": 0}, "log_every must be"),
        (y, {"held_out": (x[:, :1], y)}, "X has 1 features"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(x, wrong, **settings, **QUIET)
        assert model.params is None
        assert model.targets is None
    first = model.fit(x, y, epochs=2, **QUIET).pack()
    assert np.array_equal(first, small(backend).fit(x, y, epochs=2, **QUIET).pack())
    with pytest.raises(DivergenceError):
        model.fit(1e6 * x, y, epochs=50, optimizer="sgd", learning_rate=1e9, **QUIET)
    assert np.array_equal(model.pack(), first)


@pytest.mark.host
def test_callbacks_see_every_step(backend, table):
    seen = []
    small(backend).fit(*table, steps=4, callbacks=[lambda event: seen.append(event.step)], **QUIET)
    assert seen == [1, 2, 3, 4]


@pytest.mark.host
def test_a_linear_model_has_no_hidden_layer():
    with pytest.raises(
        TypeError, match=r"SoftmaxRegression.__init__\(\) got an unexpected keyword argument 'activation'"
    ):
        portnn.SoftmaxRegression(activation="relu")
    assert isinstance(portnn.LinearRegression(), portnn.MLP)
    assert FeedForward((2, 3)).depth == 1


@pytest.mark.host
@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="workers need Linux")
@pytest.mark.parametrize("objective", ["cross_entropy", "squared_error"])
def test_workers_make_the_same_steps_even_where_the_last_batch_has_fewer_rows_than_workers(backend, table, objective):
    x, y = table[0][:33], table[1][:33]
    weights = np.where(np.arange(33) < 9, 0.0, 1.0)  # a whole batch of rows that do not count
    settings = {"batch_size": 8, "epochs": 3, "shuffle": False, "learning_rate": 0.01, **QUIET}
    alone, shared = (
        portnn.MLP((4,), "tanh", objective, l2=0.1, backend=backend).fit(x, y, weights, workers=workers, **settings)
        for workers in (1, 2)
    )
    assert_allclose(shared.pack(), alone.pack(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("value", [0.1, 1e6, 0.0])
def test_a_constant_column_is_only_shifted(backend, backend32, table, value):
    x = np.concatenate([table[0], np.full((60, 1), value)], axis=1)
    other = x + np.asarray([0.0, 0.0, 0.1])
    for given in (x, backend.asarray(x), backend32.asarray(x)):
        model = small(backend if given is x else None, standardize=True).fit(given, table[1], epochs=2, **QUIET)
        assert model.scaling.deviation[2] == 1.0
        assert np.max(np.abs(model.outputs(other))) < 100.0


def test_what_numbers_differ_by_is_not_lost_to_float32(backend32, table):
    x = 1.7e9 + np.arange(60.0)[:, None]
    model = portnn.LinearRegression(backend=backend32, standardize=True, standardize_y=True)
    assert model.fit(x, np.arange(60.0), **QUIET).score(x, np.arange(60.0)) > 0.9999


def test_numbers_that_are_too_large_are_said_to_be(backend32, table):
    x = table[0].copy()
    x[3, 1] = 1e300
    with pytest.raises(ValueError, match="X contains numbers too large for float32, first at row 3, column 1"):
        small(backend32).fit(x, table[1], **QUIET)
    x[4, 1] = -1e308
    x[5:9, 1] = 1e308
    with pytest.raises(ValueError, match="column 1 has numbers that are too large to standardize"):
        small(Backend("numpy", np, None, "float64"), standardize=True).fit(x, table[1], **QUIET)


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        (np.full(60, 1e-60), {}, "sample_weight has the sum 6e-59, which float32 cannot hold"),
        (np.full(60, 1e38), {}, "sample_weight has the sum 6e.39, which float32 cannot hold"),
        (None, {"class_weight": {0: 0.0, 1: 0.0, 2: 0.0}}, "all of 60 rows to train or to measure on weigh 0"),
    ],
)
def test_weights_that_nothing_can_be_learned_from(backend32, table, weights, options, message):
    with pytest.raises(ValueError, match=message):
        small(backend32, **options).fit(*table, weights, **QUIET)


def test_held_out_rows_that_all_weigh_nothing(backend, table):
    weights = np.ones(60)
    weights[split_ids(60, 0.2, seed=2)[1]] = 0.0
    with pytest.raises(ValueError, match="all of 12 rows to train or to measure on weigh 0"):
        small(backend).fit(*table, weights, held_out=0.2, **QUIET)


@pytest.mark.host
def test_patience_is_the_same_in_pieces_as_in_one_run(tmp_path, backend, rng):
    x, y = rng.normal(size=(40, 5)), rng.integers(0, 2, 40)
    for name, settings in (
        ("held out", {"held_out": 0.3, "learning_rate": 0.02}),
        ("training", {"tolerance": 0.02, "learning_rate": 0.01}),
    ):
        settings |= {"patience": 3, "evaluate_every": 10, "log_every": 10, "checkpoint_every": 7, **QUIET}
        whole = small(backend).fit(x, y, steps=2000, out=tmp_path / f"{name} whole", **settings)
        assert 40 < whole.history.step < 2000
        for steps in (11, 21, 33, 2000):
            pieces = small(backend).fit(x, y, steps=steps, out=tmp_path / name, resume=True, **settings)
        assert pieces.history.step == whole.history.step
        assert all(np.array_equal(pieces.history.params[key], whole.history.params[key]) for key in whole.params)


@pytest.mark.host
def test_another_monitor_or_other_held_out_rows_cannot_go_on(tmp_path, backend, table):
    x, y = table
    small(backend).fit(x, y, steps=2, held_out=(x[:9], y[:9]), out=tmp_path, **QUIET)
    for settings, message in (
        ({"held_out": (x[:9], y[:9]), "monitor": "score"}, "the checkpoint has monitor 'loss', not 'score'"),
        ({"held_out": (x[:8], y[:8])}, "the held-out rows are not those of the checkpoint"),
    ):
        with pytest.raises(CheckpointError, match=message):
            small(backend).fit(x, y, steps=4, out=tmp_path, resume=True, **settings, **QUIET)


@pytest.mark.host
@pytest.mark.parametrize("changed", ["X", "y", "sample_weight"])
def test_a_run_goes_on_with_the_same_features_targets_and_weights_alone(tmp_path, backend, table, changed):
    x, y = table
    data = {"X": x, "y": y, "sample_weight": np.linspace(1.0, 2.0, len(x))}
    small(backend).fit(**data, steps=2, out=tmp_path, **QUIET)
    other = np.roll(data[changed], 1, axis=0)
    with pytest.raises(CheckpointError, match="is not the table trained on"):
        small(backend).fit(**{**data, changed: other}, steps=4, out=tmp_path, resume=True, **QUIET)
    small(backend).fit(**data, steps=4, out=tmp_path, resume=True, **QUIET)


@pytest.mark.parametrize("labels", [[0, 2**40, 2**41], [0.1, 0.3, 0.7]], ids=str)
def test_labels_come_back_as_they_were_whatever_dtypes_the_library_has(backend32, table, labels):
    x, y = backend32.asarray(table[0]), np.asarray(labels)[table[1]]
    model = small().fit(x, y, epochs=40, learning_rate=0.02, **QUIET)
    predicted = model.predict(x)
    predicted = predicted if isinstance(predicted, np.ndarray) else backend32.to_host(predicted)
    assert np.mean(predicted == y) == model.score(x, y) > 0.5


def test_unpack_keeps_the_dtype(backend, backend32, table):
    for each in (backend, backend32):
        model = small(each).fit(*table, epochs=1, **QUIET)
        for vector in (np.zeros(99, dtype=np.int64), np.zeros(99), backend.asarray(np.zeros(99))):
            model.unpack(vector)
            assert each.to_host(model.pack()).dtype == each.dtype
        model.fit(*table, epochs=1, **QUIET)


@pytest.mark.host
def test_partial_fit_does_not_go_on_waiting(backend, table):
    model = small(backend).fit(*table, epochs=3, held_out=0.2, **QUIET).partial_fit(*table)
    assert model.metrics[-1]["held_out_loss"] is None
    assert model.history.best_held_out_loss is None


@pytest.mark.host
def test_scalars_of_numpy_are_as_good_as_those_of_python(tmp_path, backend, table):
    model = portnn.MLP(
        np.asarray([4, 3]),
        l2=np.float32(0.1),
        dropout=np.float64(0.1),
        seed=np.int64(3),
        init_scale=np.float32(0.5),
        standardize=np.bool_(True),
        backend=backend,
    )
    model.fit(
        *table,
        steps=np.int64(3),
        batch_size=np.int32(7),
        learning_rate=np.float32(0.01),
        held_out=np.float32(0.2),
        patience=np.int64(2),
        tolerance=np.float64(0.0),
        clip_norm=np.float32(1.0),
        shuffle=np.bool_(True),
        out=tmp_path,
        **QUIET,
    )
    assert portnn.load(tmp_path / "last.safetensors").model == model.model


@pytest.mark.host
@pytest.mark.parametrize("held_out", [None, [0.1], (1,), (1, 2, 3, 4)], ids=str)
def test_held_out_is_a_fraction_or_a_table(backend, table, held_out):
    with pytest.raises(ValueError, match=r"held_out must be a fraction or a tuple \(X, y"):
        small(backend).fit(*table, held_out=held_out, **QUIET)


@pytest.mark.host
def test_what_would_be_ignored_is_refused(backend, table):
    x, y = table
    questions = np.stack([y == 0, y == 1], axis=1).astype(np.float64)
    with pytest.raises(ValueError, match="class_weight needs one class a row"):
        portnn.MLP((4,), objective="binary_cross_entropy", class_weight="balanced").fit(x, questions, **QUIET)
    with pytest.raises(ValueError, match="classes are 0, 1, 2, 3, but the model has 0, 1, 2"):
        small(backend).partial_fit(x, y, classes=[2, 0, 1]).partial_fit(x, y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="X has masked entries"):
        small(backend).fit(np.ma.masked_array(x, mask=x > 1.0), y, **QUIET)


@pytest.mark.host
def test_after_an_interrupt_history_and_parameters_belong_together(backend, table):
    model = small(backend).fit(*table, steps=2, **QUIET)

    def stop(event):
        if event.step == 5:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        model.fit(*table, steps=9, callbacks=[stop], **QUIET)
    assert model.history.step == 5
    assert model.history.params is model.params


def device_of(backend):
    return backend.library.portable_device(backend.device)
