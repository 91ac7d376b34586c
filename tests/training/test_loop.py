"""The one loop, with a model and batches that know nothing of text."""

from __future__ import annotations

import math
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from portnn.backends import RowGradient, generator, scatter_add, tree_map
from portnn.batches import Batch
from portnn.batches.batch import check_rows
from portnn.checkpoints import CheckpointError, load_checkpoint
from portnn.models import Model
from portnn.optimizers import optimizer
from portnn.optimizers.schedules import schedule
from portnn.settings import declared
from portnn.training import DivergenceError, Interrupted, Plan, StepSettings, Trainer, make_step, read_metrics, sharing
from portnn.training.losses import Unread
from portnn.training.step import init_optimizer

TRUTH = np.array([[1.0], [-2.0], [0.5]])


class Line(Model):
    """Least squares, with the sum of all inputs as a carry."""

    def shapes(self):
        return {"weight": (3, 1)}

    def init(self, rng):
        return {"weight": rng.normal(size=(3, 1))}

    def initial_carry(self, batch_size):
        return (np.zeros(3),)

    def loss(self, params, batch, carry, *, xp):
        x, y = batch
        off = xp.matmul(x, params["weight"]) - y
        return xp.mean(off * off), (carry[0] + xp.sum(x, axis=0),), (x, off)

    def gradients(self, cache, *, xp):
        x, off = cache
        return {"weight": xp.matmul(x.T, off) * (2.0 / off.shape[0])}


class Draws:
    """Random rows; the carry starts anew every fifth batch."""

    batch_size = tokens = 8
    batches = 5
    unit = "row"
    speed = "rows_per_second"
    nan_at = None

    def at(self, position):
        x = np.random.default_rng((1, position)).normal(size=(8, 3))
        if position + 1 == self.nan_at:
            x[0, 0] = math.nan
        return Batch((x, x @ TRUTH), 1.0, position % 5 == 0)

    def check_parts(self, count):
        check_rows(count, self.batch_size)


def trainer(backend, folder=None, **changes) -> Trainer:
    settings = {"log_every": 2, "evaluate_every": 4, "checkpoint_every": 3, "clip_norm": 5.0}
    settings |= {name: changes.pop(name) for name in declared(Plan) if name in changes}
    rate = changes.pop("learning_rate", 0.05)
    plan = Plan(optimizer="adam", schedule=schedule("constant", rate, 1), **settings)
    model = changes.pop("model", Line())
    return Trainer(
        model=model,
        batches=changes.pop("batches", Draws()),
        plan=plan,
        backend=backend,
        params=tree_map(backend.asarray, model.init(generator(1))),
        folder=folder,
        quiet=True,
        **changes,
    )


def distance(params, backend) -> float:
    return float(np.abs(backend.to_host(params["weight"]) - TRUTH).max())


def same(left, right) -> None:
    """Every array of two checkpoints is the same to the last bit, and so are step, position and losses."""
    (arrays, facts), (others, other_facts) = load_checkpoint(left), load_checkpoint(right)
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        assert array.dtype == others[name].dtype
        assert array.tobytes() == others[name].tobytes(), name
    timed = ("seconds", "tokens_per_second")
    run, other_run = ({k: v for k, v in each["run"].items() if k not in timed} for each in (facts, other_facts))
    assert run["position"] > 0
    assert run == other_run


class Turned(Line):
    """Hands its carry on as a transposed view, which a checkpoint cannot keep."""

    def initial_carry(self, batch_size):
        return (np.zeros((3, 8)),)

    def loss(self, params, batch, carry, *, xp):
        loss, _, cache = super().loss(params, batch, (0.0,), xp=xp)
        return loss, (batch[0].T + carry[0],), cache


def test_the_carry_is_in_row_major_order(backend) -> None:
    """Some kernels round a transposed view otherwise; after resume there is none."""
    seen = []
    trainer(backend, model=Turned(), callbacks=[lambda event: seen.append(backend.to_host(event.carry[0]))]).run(3)
    assert [(carry.shape, carry.flags.c_contiguous) for carry in seen] == [((3, 8), True)] * 3


def test_any_model_learns(backend, tmp_path) -> None:
    before = trainer(backend)
    start = distance(before.params, backend)
    state = trainer(backend, tmp_path, held_out=lambda params: distance(params, backend)).run(60)
    assert state.step == 60
    assert distance(state.params, backend) < 0.5 * start
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(2, 61, 2))
    assert [line["held_out_loss"] is not None for line in lines] == [step % 4 == 0 for step in range(2, 61, 2)]
    assert lines[-1]["held_out_loss"] == state.held_out_loss == distance(state.params, backend)
    assert all(line["seconds"] > 0 and line["rows_per_second"] > 0 and line["gradient_norm"] > 0 for line in lines)
    arrays, _ = load_checkpoint(tmp_path / "best.safetensors")
    assert np.abs(arrays["params.weight"] - TRUTH).max() == state.best_held_out_loss


@pytest.mark.host
def test_nothing_is_written_without_a_folder(backend, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    trainer(backend).run(3)
    assert list(tmp_path.iterdir()) == []


def test_a_run_can_be_saved_before_it_starts(backend, tmp_path) -> None:
    fresh = trainer(backend, facts={"mine": 1}, constants={"names": np.arange(3)})
    fresh.save(tmp_path / "start.safetensors")
    assert (fresh.state.step, fresh.state.position) == (0, 0)
    arrays, facts = load_checkpoint(tmp_path / "start.safetensors")
    assert (facts["mine"], facts["run"]["step"], arrays["names"].tolist()) == (1, 0, [0, 1, 2])
    other = trainer(backend, tmp_path / "restored")
    other.params = other.state.params = tree_map(lambda array: 2.0 * array, other.params)
    other.restore(arrays, facts)
    other.run(11)
    fresh.run(11)
    fresh.save(tmp_path / "fresh.safetensors")
    trainer(backend, tmp_path / "whole").run(11)
    whole = tmp_path / "whole" / "last.safetensors"
    same(whole, tmp_path / "restored" / "last.safetensors")
    again, _ = load_checkpoint(tmp_path / "fresh.safetensors")
    assert again.pop("names").tolist() == [0, 1, 2]
    theirs = load_checkpoint(whole)[0]
    assert {key: array.tobytes() for key, array in again.items()} == {k: a.tobytes() for k, a in theirs.items()}


@pytest.mark.host
def test_what_is_restored_can_be_saved_before_it_goes_on(backend, tmp_path) -> None:
    trainer(backend, tmp_path).run(4)
    other = trainer(backend)
    other.restore(*load_checkpoint(tmp_path / "last.safetensors"))
    other.save(tmp_path / "copy.safetensors")
    same(tmp_path / "last.safetensors", tmp_path / "copy.safetensors")


@pytest.mark.host
def test_parameters_that_are_not_finite_are_not_saved_before_a_run_either(backend, tmp_path) -> None:
    fresh = trainer(backend)
    fresh.state.params = {"weight": backend.asarray(np.full((3, 1), math.nan))}
    with pytest.raises(DivergenceError, match="diverged at step 0"):
        fresh.save(tmp_path / "start.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.host
def test_the_speed_of_a_line_after_an_evaluation(backend, tmp_path, monkeypatch) -> None:
    """It covers one step, which finds cold caches; and the first step, which compiles, is not in later lines."""
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    class Timed(Draws):
        def at(self, position):
            now[0] += 3.0 if position == 0 else 0.005 if position % 9 == 0 else 0.001
            return super().at(position)

    def held_out(params):
        now[0] += 7.0
        return 1.0

    every = {"log_every": 10, "evaluate_every": 9, "checkpoint_every": 9}
    trainer(backend, tmp_path, batches=Timed(), held_out=held_out, **every).run(200)
    lines = read_metrics(tmp_path / "metrics.jsonl")
    speeds = [line["rows_per_second"] for line in lines]
    assert [line["step"] for line in lines[:4]] == [9, 10, 18, 20]
    assert speeds[0] == pytest.approx(8 * 8 / 0.008)
    assert speeds[1] == pytest.approx(9 * 8 / 0.013)
    average = 9 * 8 / 0.013
    assert all(0.9 * average < speed < 1.6 * average for speed in speeds)
    assert lines[-1]["seconds"] == pytest.approx(3.0 + 22 * 0.005 + 177 * 0.001)  # evaluations are not training


@pytest.mark.parametrize("stop", [1, 7])
def test_resume_goes_on_bit_for_bit(backend, tmp_path, stop) -> None:
    trainer(backend, tmp_path / "whole").run(11)
    trainer(backend, tmp_path / "parts").run(stop)
    other = trainer(backend, tmp_path / "parts")
    other.restore(*load_checkpoint(tmp_path / "parts" / "last.safetensors"))
    other.run(11)
    same(tmp_path / "whole" / "last.safetensors", tmp_path / "parts" / "last.safetensors")


def test_callbacks_see_every_step(backend) -> None:
    seen = []

    def watch(event) -> None:
        seen.append((event.step, event.learning_rate, float(event.loss), float(event.gradient_norm)))
        assert event.params["weight"].shape == (3, 1)
        assert event.carry[0].shape == (3,)
        assert event.backend is backend

    trainer(backend, callbacks=[watch]).run(5)
    assert [step for step, *_ in seen] == [1, 2, 3, 4, 5]
    assert all(rate == 0.05 and loss > 0 and norm > 0 for _, rate, loss, norm in seen)


def test_callbacks_and_metrics_are_told_the_learning_rate_of_the_step(backend, monkeypatch) -> None:
    seen, lines, stepped = [], [], []
    run = trainer(backend, log_every=1, callbacks=[lambda event: seen.append(event.learning_rate)])
    run.plan = replace(run.plan, schedule=schedule("cosine", 0.05, 4))
    run.on_metrics = lambda line: lines.append(line["learning_rate"])
    right = sharing.make_step

    def watched(*args, **options):
        step = right(*args, **options)

        def stepping(*arguments):
            stepped.append(float(arguments[4]))
            return step(*arguments)

        return stepping

    monkeypatch.setattr(sharing, "make_step", watched)
    run.run(4)
    assert len(set(seen)) == 4
    assert seen == lines == pytest.approx(stepped, rel=1e-6)


def normalised(event):
    weight = event.params["weight"]
    xp = event.backend.xp
    return {"weight": weight / xp.sqrt(xp.sum(weight * weight))}


def test_a_callback_may_replace_the_parameters(backend, tmp_path) -> None:
    norms = []

    def measure(event) -> None:
        norms.append(float(np.linalg.norm(event.backend.to_host(event.params["weight"]))))

    whole = trainer(backend, tmp_path / "whole", callbacks=[normalised, measure]).run(8)
    assert np.allclose(norms, 1.0)
    assert math.isclose(float(np.linalg.norm(backend.to_host(whole.params["weight"]))), 1.0)
    trainer(backend, tmp_path / "parts", callbacks=[normalised]).run(5)
    other = trainer(backend, tmp_path / "parts", callbacks=[normalised])
    other.restore(*load_checkpoint(tmp_path / "parts" / "last.safetensors"))
    other.run(8)
    same(tmp_path / "whole" / "last.safetensors", tmp_path / "parts" / "last.safetensors")


@pytest.mark.host
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda w, xp: {}, ValueError, r"returned parameters \[\], expected \['weight'\]"),
        (lambda w, xp: {"weight": w[:2, :]}, ValueError, r"returned weight with shape \(2, 1\), expected \(3, 1\)"),
        (lambda w, xp: {"weight": xp.astype(w, xp.float32)}, TypeError, "returned weight with dtype .*float32"),
    ],
)
def test_parameters_of_a_callback_that_do_not_fit(backend, change, error, message) -> None:
    with pytest.raises(error, match=message):
        trainer(backend, callbacks=[lambda event: change(event.params["weight"], event.backend.xp)]).run(3)


@pytest.mark.parametrize(("number", "at"), [(signal.SIGINT, 1), (signal.SIGTERM, 6)])
def test_a_signal_saves_first(backend, tmp_path, number, at) -> None:
    trainer(backend, tmp_path / "whole").run(9)

    def interrupt(event) -> None:
        if event.step == at:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted, match=f"stopped by {number.name} after step {at}") as caught:
        trainer(backend, tmp_path / "parts", callbacks=[interrupt]).run(9)
    assert (caught.value.signal, caught.value.step) == (number, at)
    other = trainer(backend, tmp_path / "parts")
    other.restore(*load_checkpoint(tmp_path / "parts" / "last.safetensors"))
    assert other.state.step == at
    other.run(9)
    same(tmp_path / "whole" / "last.safetensors", tmp_path / "parts" / "last.safetensors")


@pytest.mark.host
def test_a_signal_at_the_last_step_is_too_late(backend) -> None:
    state = trainer(backend, callbacks=[lambda event: os.kill(os.getpid(), signal.SIGINT) if event.step == 3 else None])
    assert state.run(3).step == 3


def test_divergence_leaves_the_last_good_checkpoint(backend, tmp_path) -> None:
    batches = Draws()
    batches.nan_at = 6
    with pytest.raises(DivergenceError, match=r"diverged at step 6: loss nan, learning rate 0\.05, gradient norm nan"):
        trainer(backend, tmp_path, batches=batches).run(20)
    assert load_checkpoint(tmp_path / "last.safetensors")[1]["run"]["step"] == 3
    assert all(math.isfinite(line["loss"]) for line in read_metrics(tmp_path / "metrics.jsonl"))


def test_parameters_that_the_update_broke_are_not_saved(backend, tmp_path) -> None:
    def break_them(event):
        return {"weight": event.params["weight"] * math.inf} if event.step == 6 else None

    with pytest.raises(DivergenceError, match="diverged at step 6"):
        trainer(backend, tmp_path, callbacks=[break_them]).run(20)
    assert load_checkpoint(tmp_path / "last.safetensors")[1]["run"]["step"] == 3


@pytest.mark.host
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e155, 1e200, math.inf, math.nan])
def test_a_run_that_diverges_says_so_and_nothing_else(backend, capfd, scale) -> None:
    """NumPy's warnings of overflow and of invalid values would come before the one line that explains them."""

    def blow_up(event):
        return {"weight": event.params["weight"] * scale} if event.step == 3 else None

    def overflow(params):
        np.float64(1e308) * np.float64(1e308)
        return float(np.exp(np.float64(1e5)))

    with pytest.raises(DivergenceError, match="diverged at step"):
        trainer(backend, callbacks=[blow_up], log_every=1).run(20)
    with pytest.raises(DivergenceError, match="diverged at step 4: loss inf"):
        trainer(backend, held_out=overflow).run(20)
    assert capfd.readouterr() == ("", "")


@pytest.mark.host
def test_a_held_out_loss_that_is_not_finite_stops_the_run(backend, tmp_path) -> None:
    with pytest.raises(DivergenceError, match="diverged at step 4: loss nan"):
        trainer(backend, tmp_path, held_out=lambda _: math.nan).run(20)
    assert load_checkpoint(tmp_path / "last.safetensors")[1]["run"]["step"] == 3


@pytest.mark.host
def test_a_smoothed_loss_goes_on_after_resume(backend, tmp_path) -> None:
    whole = trainer(backend, tmp_path / "whole", smoothing=0.9).run(8)
    trainer(backend, tmp_path / "parts", smoothing=0.9).run(4)
    other = trainer(backend, tmp_path / "parts", smoothing=0.9)
    other.restore(*load_checkpoint(tmp_path / "parts" / "last.safetensors"))
    assert other.run(8).smooth_loss == whole.smooth_loss
    lines, others = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    assert [line["loss"] for line in lines] == [line["loss"] for line in others]


@pytest.mark.host
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays, facts: facts.pop("run"), "no training state"),
        (lambda arrays, facts: arrays.pop("params.weight"), "has no params.weight"),
        (
            lambda arrays, facts: arrays.update({"params.weight": np.zeros((2, 1))}),
            r"shape \(2, 1\), expected \(3, 1\)",
        ),
        (
            lambda arrays, facts: arrays.update({"carry.0": np.zeros(3, np.float32)}),
            "dtype float32, the backend float64",
        ),
    ],
)
def test_a_checkpoint_of_another_run(backend, tmp_path, change, message) -> None:
    trainer(backend, tmp_path).run(1)
    arrays, facts = load_checkpoint(tmp_path / "last.safetensors")
    change(arrays, facts)
    other = trainer(backend)
    before = other.state
    with pytest.raises(CheckpointError, match=message):
        other.restore(arrays, facts)
    assert other.state is before
    assert (other.state.step, other.state.position) == (0, 0)


@pytest.mark.host
def test_a_run_that_is_done_has_nothing_to_do(backend, tmp_path) -> None:
    trainer(backend, tmp_path).run(4)
    before = (tmp_path / "last.safetensors").read_bytes()
    other = trainer(backend, tmp_path)
    other.restore(*load_checkpoint(tmp_path / "last.safetensors"))
    assert other.run(4).step == 4
    assert (tmp_path / "last.safetensors").read_bytes() == before
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == [2, 4]


CLIPS = [{}, {"clip_norm": 0.1}, {"clip_value": 0.05}, {"clip_norm": 0.05, "clip_value": 0.05}]


@pytest.mark.parametrize("clip", CLIPS)
def test_the_step_is_the_gradient_clipped_and_taken(backend, rng, clip) -> None:
    model, x = Line(), rng.normal(size=(8, 3))
    weight, y = rng.normal(size=(3, 1)), x @ TRUTH
    gradient = x.T @ (x @ weight - y) * (2 / 8)
    assert np.linalg.norm(gradient) > 0.1
    expected = np.clip(gradient, -clip["clip_value"], clip["clip_value"]) if "clip_value" in clip else gradient
    norm = np.linalg.norm(expected)
    if "clip_norm" in clip:
        assert norm > clip["clip_norm"]
        expected = expected * clip["clip_norm"] / norm
    sgd, place = optimizer("sgd"), backend.asarray
    params = {"weight": place(weight)}
    state, carry = init_optimizer(sgd, model, params, backend), tree_map(place, model.initial_carry(8))
    step = make_step(model, sgd, backend, StepSettings(**clip))
    result = step(params, state, (place(x), place(y)), carry, place(np.float64(0.5)), place(np.float64(1)))
    assert np.allclose(backend.to_host(result.params["weight"]), weight - 0.5 * expected)
    assert math.isclose(float(result.gradient_norm), norm)
    assert math.isclose(float(result.loss), np.mean((x @ weight - y) ** 2))
    assert result.loss.shape == result.gradient_norm.shape == ()


def test_more_workers_than_rows(backend):
    with pytest.raises(ValueError, match="workers"):
        trainer(backend, workers=9)


class Rows(Line):
    """Least squares whose weight is a table of one row each input picks, and a bias that is no table."""

    def __init__(self, *, in_rows=True):
        self.in_rows = in_rows

    @property
    def row_parameters(self):
        return ("table",) if self.in_rows else ()

    def shapes(self):
        return {"table": (ROWS, 2), "bias": (2,)}

    def init(self, rng):
        return {"table": rng.normal(size=(ROWS, 2)), "bias": np.zeros(2)}

    def initial_carry(self, batch_size):
        return ()

    def loss(self, params, batch, carry, *, xp):
        ids, y = batch
        off = xp.take(params["table"], ids, axis=0) + params["bias"] - y
        return xp.sum(off * off), (), (ids, off, params["table"])

    def gradients(self, cache, *, xp):
        ids, off, like = cache
        rows = RowGradient(ids, 2.0 * off)
        table = rows if self.row_parameters else scatter_add(xp.zeros_like(like), *rows, xp=xp)
        return {"table": table, "bias": xp.sum(2.0 * off, axis=0)}


ROWS = 6
IN_ROWS, AS_A_WHOLE = Rows(), Rows(in_rows=False)


class Picks(Draws):
    """Ids, some of them several times, in epochs of five batches; each loss counts as another number of terms."""

    def at(self, position):
        ids = np.random.default_rng((2, position)).integers(0, ROWS - 1, 5)
        y = np.stack([np.sin(ids), np.cos(ids)], axis=1)
        return Batch((ids, y), float(3 + position % 4), position % 5 == 0)


def of_epochs(backend, folder=None, **changes):
    defaults = {"model": IN_ROWS, "batches": Picks(), "clip_norm": None, "mean_over": "epoch"}
    return trainer(backend, folder, **{**defaults, **changes})


@pytest.mark.parametrize("smoothing", [None, 0.5])
def test_the_mean_over_an_epoch_is_of_its_terms(backend, tmp_path, smoothing) -> None:
    losses, lines = [], []
    watched = {"on_metrics": lines.append, "callbacks": [lambda event: losses.append(float(event.loss))]}
    state = of_epochs(backend, tmp_path, log_every=1, smoothing=smoothing, **watched).run(13)
    terms = [float(3 + number % 4) for number in range(13)]
    for number, line in enumerate(lines):
        first = number - number % 5
        mean = sum(losses[first : number + 1]) / sum(terms[first : number + 1])
        if smoothing is None:
            assert line["loss"] == pytest.approx(mean, rel=1e-14)
        assert line["gradient_norm"] is None
    assert read_metrics(tmp_path / "metrics.jsonl") == lines
    assert (state.losses, state.epoch_terms) == ([], sum(terms[10:]))


def test_the_mean_over_an_epoch_is_summed_in_float64(backend32) -> None:
    """After many steps a float32 sum would take no more terms."""
    made = of_epochs(backend32)
    made.run(1)
    one = Unread(1, 1.0, 1.0, 0.1, None, False)
    made.state.epoch_loss, made.state.epoch_terms = 2.0**24, 2.0**24
    made._losses.unread = [one, one, one]
    made._losses.read()
    assert (made.state.epoch_loss, made.state.epoch_terms) == (2.0**24 + 3, 2.0**24 + 3)


@pytest.mark.parametrize("stop", [3, 5, 7])
def test_a_mean_over_an_epoch_goes_on_after_resume(backend, tmp_path, stop) -> None:
    of_epochs(backend, tmp_path / "whole").run(12)
    of_epochs(backend, tmp_path / "parts").run(stop)
    other = of_epochs(backend, tmp_path / "parts")
    other.restore(*load_checkpoint(tmp_path / "parts" / "last.safetensors"))
    other.run(12)
    same(tmp_path / "whole" / "last.safetensors", tmp_path / "parts" / "last.safetensors")
    lines, others = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    theirs = {line["step"]: line["loss"] for line in others}
    assert [theirs[line["step"]] for line in lines] == [line["loss"] for line in lines]


@pytest.mark.parametrize("name", ["sgd", "adagrad"])
@pytest.mark.parametrize("clip", CLIPS)
def test_a_step_in_rows_is_the_step_of_the_whole_gradient(backend, rng, name, clip) -> None:
    results = []
    host = IN_ROWS.init(rng)
    batch = np.asarray([2, 0, 2, 2, 4]), rng.normal(size=(5, 2))
    chosen = optimizer(name)
    for model in (IN_ROWS, AS_A_WHOLE):
        params = tree_map(lambda array: backend.asarray(array.copy()), host)
        state = init_optimizer(chosen, model, params, backend)
        step = make_step(model, chosen, backend, StepSettings(**clip))
        for number in (1, 2, 3):
            scalars = (backend.asarray(np.float64(value)) for value in (0.1, number))
            params, state, _, loss, norm = step(params, state, tree_map(backend.asarray, batch), (), *scalars)
        results.append((params, float(loss), norm))
    (rows, loss, norm), (whole, other, right) = results
    assert loss == pytest.approx(other, rel=1e-12)
    for key in ("table", "bias"):
        np.testing.assert_allclose(backend.to_host(rows[key]), backend.to_host(whole[key]), rtol=1e-12, atol=1e-14)
    assert np.array_equal(backend.to_host(rows["table"])[[1, 3, 5]], host["table"][[1, 3, 5]])
    assert norm is None if not clip else float(norm) == pytest.approx(float(right), rel=1e-12)


def test_the_best_parameters_are_kept_where_steps_write_to_them(backend) -> None:
    """The first evaluation is the best; what comes after must not be seen in its parameters."""
    losses = iter([1.0, 2.0, 3.0])
    seen = []

    def held_out(params) -> float:
        seen.append({name: np.array(backend.to_host(array)) for name, array in params.items()})
        return next(losses)

    made = of_epochs(backend, held_out=held_out)
    made.run(12)
    assert len(seen) == 3
    for name, array in seen[0].items():
        assert np.array_equal(backend.to_host(made.best_params[name]), array)
        assert not np.array_equal(array, seen[2][name])


class Lull(Picks):
    """The first batch has no term."""

    def at(self, position):
        (ids, y), terms, starts, *_ = super().at(position)
        return Batch((ids, 100.0 * y if position else 0.0 * y), terms if position else 0.0, starts)


def test_a_batch_without_terms_does_not_measure_divergence(backend) -> None:
    state = of_epochs(backend, batches=Lull()).run(4)
    assert state.first_loss > 100.0
    assert state.epoch_terms == 4 + 5 + 6


def test_constants_are_in_every_checkpoint(backend, tmp_path) -> None:
    constants = {"vocabulary.counts": np.arange(5), "names": np.frombuffer(b"abc", np.uint8)}
    of_epochs(backend, tmp_path, constants=constants, held_out=lambda _: 1.0).run(8)
    for name in ("last", "best"):
        arrays, _ = load_checkpoint(tmp_path / f"{name}.safetensors")
        assert {key: arrays[key].tolist() for key in constants} == {k: v.tolist() for k, v in constants.items()}
    other = of_epochs(backend)
    other.restore(*load_checkpoint(tmp_path / "last.safetensors"))
    assert other.state.step == 8


def test_a_run_in_one_named_file(backend, tmp_path) -> None:
    out = tmp_path / "deep" / "vectors.safetensors"
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "other.safetensors").write_text("not mine")
    of_epochs(backend, out, held_out=lambda _: 1.0).run(8)
    mine = {"vectors.best.safetensors", "vectors.metrics.jsonl", "vectors.safetensors"}
    assert {file.name for file in out.parent.iterdir()} == {"other.safetensors", *mine}
    assert load_checkpoint(out)[1]["run"]["step"] == 8
    of_epochs(backend, out).run(3)  # anew: what was there of the run before is gone
    assert load_checkpoint(out)[1]["run"]["step"] == 3
    assert not (out.parent / "vectors.best.safetensors").exists()
    assert (out.parent / "other.safetensors").read_text() == "not mine"


@pytest.mark.host
def test_a_mean_over_something_else(backend) -> None:
    with pytest.raises(ValueError, match="unknown mean_over 'year'; known: line, epoch"):
        Plan(optimizer=optimizer("sgd"), schedule=schedule("constant", 0.5, 1), mean_over="year")
