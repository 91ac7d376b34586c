"""Learning rate schedules against PyTorch's, and at points that can be worked out by hand."""

import json
import math

import numpy as np
import pytest

from portnn.optimizers.schedules import (
    Constant,
    CosineWithWarmup,
    Exponential,
    Halving,
    Linear,
    as_schedule,
    known_schedule,
    schedule,
)

pytestmark = pytest.mark.host

EACH = [
    Constant(0.3),
    Halving(0.3, every=4),
    Linear(0.3, total=20, end=0.1),
    Exponential(0.3, total=20, fraction=0.05),
    CosineWithWarmup(0.3, total=20, warmup=5, end=0.01),
]


def torch_rates(make, steps, learning_rate=0.3):
    """Rate before each step of PyTorch's scheduler."""
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=learning_rate)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.torch_oracle
@pytest.mark.parametrize(
    ("ours", "theirs", "steps"),
    [
        (Halving(0.3, every=4), lambda torch, opt: torch.StepLR(opt, 4, 0.5), 30),
        (Linear(0.3, total=20), lambda torch, opt: torch.LinearLR(opt, 1.0, 0.0, 20), 30),
        (Linear(0.3, total=20, end=0.1), lambda torch, opt: torch.LinearLR(opt, 1.0, 1 / 3, 20), 30),
        (
            Exponential(0.3, total=20, fraction=0.05),
            lambda torch, opt: torch.ExponentialLR(opt, 0.05 ** (1 / 20)),
            21,
        ),
        (
            CosineWithWarmup(0.3, total=20, end=0.01),
            lambda torch, opt: torch.CosineAnnealingLR(opt, 20, 0.01),
            21,
        ),
        # The rise alone: PyTorch's line from 1/6 to 1 over 5 steps.
        (CosineWithWarmup(0.3, total=50, warmup=5), lambda torch, opt: torch.LinearLR(opt, 1 / 6, 1.0, 5), 6),
    ],
    ids=["halving", "linear", "linear-end", "exponential", "cosine", "warmup"],
)
def test_same_rates_as_torch(ours, theirs, steps):
    expected = torch_rates(theirs, steps)
    np.testing.assert_allclose([ours(step) for step in range(steps)], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("chosen", "points"),
    [
        (Constant(0.5), {0: 0.5, 10**9: 0.5}),
        (Halving(0.5, every=3), {0: 0.5, 2: 0.5, 3: 0.25, 5: 0.25, 6: 0.125}),
        (Halving(0.5, every=1), {10**6: 0.0}),
        (Linear(0.5, total=4), {0: 0.5, 1: 0.375, 3: 0.125, 4: 0.0, 5: 0.0}),
        (Linear(0.5, total=4, end=0.25), {0: 0.5, 2: 0.375, 4: 0.25, 100: 0.25}),
        (Exponential(0.5, total=4), {0: 0.5, 2: 0.05, 4: 0.005, 100: 0.005}),
        (Exponential(0.5, total=2, fraction=0.25), {0: 0.5, 1: 0.25, 2: 0.125}),
        (
            CosineWithWarmup(1.0, total=7, warmup=3),
            {0: 0.25, 1: 0.5, 2: 0.75, 3: 1.0, 5: 0.5, 7: 0.0, 9: 0.0},
        ),
        (CosineWithWarmup(1.0, total=4, end=0.5), {0: 1.0, 2: 0.75, 4: 0.5, 100: 0.5}),
        (CosineWithWarmup(1.0, total=6), {2: 0.75, 4: 0.25}),
    ],
)
def test_points(chosen, points):
    for step, rate in points.items():
        assert chosen(step) == pytest.approx(rate, rel=1e-12, abs=1e-15), step


@pytest.mark.parametrize("chosen", EACH)
def test_plain_numbers_that_are_never_negative(chosen):
    rates = [chosen(step) for step in range(100)]
    assert all(type(rate) is float and 0.0 < rate <= 0.3 for rate in rates)
    with pytest.raises(ValueError, match=f"{chosen.name}: step must not be negative, got -1"):
        chosen(-1)


@pytest.mark.parametrize("chosen", EACH)
def test_json_gives_an_equal_schedule(chosen):
    record = json.loads(json.dumps(chosen.to_json()))
    assert as_schedule(record, 0.7, 99) == chosen  # what it records counts, not what the run says
    assert as_schedule(chosen, 0.7, 99) is chosen
    assert known_schedule(record) == chosen
    assert known_schedule(chosen) is chosen


def test_numpy_scalars_become_plain_numbers():
    chosen = Linear(np.float64(0.3), total=np.int64(20))
    assert (type(chosen.learning_rate), type(chosen.total)) == (float, int)
    json.dumps(chosen.to_json())


def test_lookup():
    assert schedule("constant", 0.3, 20) == Constant(0.3)
    assert schedule("halving", 0.3, 20, every=4) == Halving(0.3, every=4)
    assert schedule("linear", 0.3, 20, end=0.1) == Linear(0.3, total=20, end=0.1)
    assert schedule("exponential", 0.3, 20) == Exponential(0.3, total=20)
    assert schedule("cosine", 0.3, 20, warmup=5) == CosineWithWarmup(0.3, total=20, warmup=5)
    with pytest.raises(ValueError, match="unknown schedule 'step'; known: constant, halving, linear, expon"):
        schedule("step", 0.3, 20)
    with pytest.raises(ValueError, match="linear: unknown option 'every'; known: learning_rate, total, end"):
        schedule("linear", 0.3, 20, every=4)
    with pytest.raises(ValueError, match="halving: the option 'every' is missing"):
        schedule("halving", 0.3, 20)
    with pytest.raises(ValueError, match="unknown schedule ''"):
        as_schedule({"learning_rate": 0.3}, 0.3, 20)
    assert as_schedule("linear", 0.3, 20) == Linear(0.3, total=20)
    assert known_schedule("linear") == "linear"
    with pytest.raises(ValueError, match="unknown schedule 'step'"):
        known_schedule("step")


@pytest.mark.parametrize("value", [0, -0.1, math.nan, math.inf])
@pytest.mark.parametrize("name", ["constant", "linear", "exponential", "cosine"])
def test_learning_rate_out_of_range(name, value):
    with pytest.raises(ValueError, match=f"^learning_rate must be a positive number, got {float(value)!r}$"):
        schedule(name, value, 20)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Halving(0.3, every=0), "every must be a positive whole number, got 0"),
        (lambda: Linear(0.3, total=0), "total must be a positive whole number, got 0"),
        (lambda: Linear(0.3, total=2.5), "total must be a positive whole number, got 2.5"),
        (lambda: Linear(0.3, total=5, end=0.5), r"end must be in \[0, 0.3\], got 0.5"),
        (lambda: Linear(0.3, total=5, end=math.nan), "end must be 0 or a positive number, got nan"),
        (lambda: Exponential(0.3, total=-1), "total must be a positive whole number, got -1"),
        (lambda: Exponential(0.3, total=5, fraction=0.0), r"fraction must be in \(0, 1\], got 0"),
        (lambda: Exponential(0.3, total=5, fraction=math.inf), r"fraction must be in \(0, 1\], got inf"),
        (lambda: CosineWithWarmup(0.3, total=0), "total must be a positive whole number, got 0"),
        (lambda: CosineWithWarmup(0.3, total=5, warmup=5), r"warmup must be in \[0, 5\), got 5"),
        (lambda: CosineWithWarmup(0.3, total=5, end=-0.1), "end must be 0 or a positive number, got -0.1"),
    ],
)
def test_options_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("value", ["0.3", None, True])
def test_options_of_the_wrong_type(value):
    with pytest.raises(TypeError, match="learning_rate must be a number, got"):
        Constant(value)
    with pytest.raises((TypeError, ValueError), match="total must be a positive whole number, got"):
        Linear(0.3, total=value)


def test_steps_of_any_library_give_plain_rates():
    for kind in (np.int64, np.array):
        for chosen in (Constant(0.1), Halving(0.8, every=2), Linear(0.5, total=10), Exponential(1.0, total=10)):
            assert type(chosen(kind(3))) is float
            assert chosen(kind(3)) == chosen(3)
    with pytest.raises(ValueError, match=r"^constant: step must be a whole number, got 1\.5$"):
        Constant(0.1)(1.5)


class Single(Constant):
    """A schedule that computes in float32."""

    def _rate(self, step):
        return np.float32(super()._rate(step))


def test_rates_of_a_schedule_of_ones_own_are_plain():
    assert type(Single(0.5)(3)) is float
