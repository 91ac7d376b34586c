"""What watches over a run: divergence, signals, progress and the clock."""

from __future__ import annotations

import math
import os
import signal
import threading

import pytest

from portnn.optimizers import optimizer
from portnn.optimizers.schedules import schedule
from portnn.training import (
    DivergenceError,
    DivergenceWatch,
    Plan,
    Progress,
    Reading,
    SpeedMeter,
    StopRequests,
    StopWatch,
)

pytestmark = pytest.mark.host


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf, 5.1 * 4.0])
def test_a_loss_that_is_not_finite_or_explodes(loss) -> None:
    watch = DivergenceWatch()
    watch.check(1, 4.0, 0.1, 1.0)
    watch.check(2, 4.9 * 4.0, 0.1, 1.0)
    with pytest.raises(
        DivergenceError, match=r"diverged at step 3: loss .*, learning rate 0\.25, gradient norm 7"
    ) as caught:
        watch.check(3, loss, 0.25, 7.0)
    assert (caught.value.step, caught.value.learning_rate, caught.value.gradient_norm) == (3, 0.25, 7.0)


def test_a_gradient_that_is_not_finite() -> None:
    with pytest.raises(DivergenceError, match="gradient norm inf"):
        DivergenceWatch().check(1, 4.0, 0.1, math.inf)


def test_the_first_loss_may_come_from_an_earlier_run_and_may_be_tiny() -> None:
    with pytest.raises(DivergenceError):
        DivergenceWatch(first=1.0).check(9, 6.0, 0.1, 1.0)
    watch = DivergenceWatch()
    watch.check(1, 1e-9, 0.1, 1.0)
    watch.check(2, 4.9, 0.1, 1.0)
    with pytest.raises(DivergenceError):
        DivergenceWatch().check(1, math.nan, 0.1, 1.0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_acts(number) -> None:
    seen = []
    before = signal.signal(number, lambda *_: seen.append(1))
    try:
        with StopRequests() as requests:
            assert requests.received is None
            os.kill(os.getpid(), number)
            assert requests.received == number
            assert not seen
            os.kill(os.getpid(), number)
            assert seen == [1]
        os.kill(os.getpid(), number)
        assert seen == [1, 1]
    finally:
        signal.signal(number, before)


def test_a_thread_changes_no_handler() -> None:
    before = signal.getsignal(signal.SIGINT)

    def work() -> None:
        with StopRequests():
            assert signal.getsignal(signal.SIGINT) is before

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_no_bar_where_stderr_is_no_terminal(capsys) -> None:
    with Progress(3, 0) as progress:
        for step in range(1, 4):
            progress.advance()
            progress.show(step=step, loss=2.0, held_out_loss=1.5, speed=1234.0, say=step == 3)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "step 3: loss 2.000, held-out loss 1.500 nats, 1,234 char/s\n")


def test_the_bar_of_a_run_that_is_longer_already_is_full(monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress(20, 456) as progress:
        assert "100%" in str(progress.bar)
        assert "456/456" in str(progress.bar)


def evaluated(steps, *, total, done=0, **options):
    """Steps at which a run speaks that evaluates at these steps."""
    said = []
    with Progress(total, done, **options) as progress:
        progress.say = lambda line: said.append(int(line.split(":")[0].removeprefix("step ")))
        for step in steps:
            progress.show(step=step, loss=1.0, held_out_loss=None, speed=1.0, say=True)
    return said


def test_a_long_run_says_some_twenty_lines_the_first_and_the_last_among_them() -> None:
    assert evaluated(range(1, 201), total=200) == [1, *range(10, 201, 10)]
    assert evaluated(range(5, 501, 5), total=500) == [5, *range(25, 501, 25)]


def test_a_resumed_run_says_as_many_of_its_own_part() -> None:
    assert evaluated(range(101, 301), total=300, done=100) == [101, *range(110, 301, 10)]


@pytest.mark.parametrize("total", [1, 3, 20])
def test_a_short_run_says_every_line(total) -> None:
    assert evaluated(range(1, total + 1), total=total) == list(range(1, total + 1))


def test_a_last_evaluation_between_two_lines_is_said() -> None:
    assert evaluated([*range(10, 1000, 10), 1003], total=1003)[-2:] == [960, 1003]
    assert evaluated(range(1, 15), total=200)[-2:] == [10, 14]  # it was interrupted there


@pytest.mark.parametrize("most", [200, 1_000, 100_000])
@pytest.mark.parametrize("end", [5, 60, 200])
def test_a_run_that_may_end_early_says_lines_at_growing_distances(most, end) -> None:
    said = evaluated(range(1, end + 1), total=most, may_end_early=True)
    assert said[:5] == [1, 2, 3, 4, 5]
    assert said[-1] == end
    assert len(said) <= 20
    assert len(said) >= min(end, 14)


def test_a_run_that_ended_early_leaves_a_full_bar(monkeypatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress(200, 0, may_end_early=True) as progress:
        progress.advance()
    assert "1/1" in str(progress.bar)
    progress = Progress(200, 0, may_end_early=True)
    progress.advance()
    progress.__exit__(KeyboardInterrupt, None, None)
    assert "1/200" in str(progress.bar)


def test_a_line_does_not_bring_up_a_bar_that_is_still_waiting(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Reading("a text", 100) as reading:
        reading.advance(50)
        reading.say("phrases: none")
    assert capsys.readouterr().err == "phrases: none\n"


def test_quiet_says_nothing(capsys) -> None:
    with Progress(3, 0, quiet=True) as progress:
        progress.show(step=3, loss=2.0, held_out_loss=None, speed=1.0, say=True)
    assert capsys.readouterr() == ("", "")


def test_the_clock_leaves_pauses_out(monkeypatch) -> None:
    now = iter([0.0, 2.0, 10.0, 13.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    clock = StopWatch(100.0)
    with clock:
        pass
    assert clock.seconds == 105.0


def test_a_line_of_half_a_second_or_more_is_measured_alone() -> None:
    meter = SpeedMeter(10, 100.0)
    assert meter.measure(20, 101.0) == 10.0
    assert meter.measure(21, 101.5) == 2.0
    assert meter.measure(71, 111.5) == 5.0


def test_a_shorter_line_is_measured_with_those_before_it() -> None:
    meter = SpeedMeter(0, 0.0)
    assert meter.measure(10, 0.1) == pytest.approx(100.0)
    assert meter.measure(11, 0.2) == pytest.approx(11 / 0.2)
    assert meter.measure(40, 0.4) == pytest.approx(100.0)
    assert meter.measure(50, 0.65) == pytest.approx((50 - 10) / 0.55)  # without the first 0.1 s
    assert meter.measure(60, 5.0) == pytest.approx(10 / 4.35)


def test_what_was_before_the_mark_counts_only_where_there_is_nothing_else() -> None:
    meter = SpeedMeter(5, 0.0)
    meter.mark(6, 3.0)
    assert meter.measure(6, 3.0) == pytest.approx(1 / 3.0)
    assert meter.measure(7, 3.1) == pytest.approx(10.0)
    other = SpeedMeter(5, 0.0)
    other.mark(6, 3.0)
    assert other.measure(9, 3.3) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        *(
            ({name: value}, f"{name} must be positive, got {float(value)!r}")
            for name in ("clip_norm", "clip_value")
            for value in (0, -1.0, math.nan)
        ),
        *(
            ({name: value}, f"{name} must be a positive whole number, got {value!r}")
            for name in ("log_every", "evaluate_every", "checkpoint_every")
            for value in (0, -3, 1.5, True)
        ),
        *(({"smoothing": value}, r"smoothing must be in \[0, 1\)") for value in (-0.1, 1.0, math.nan)),
    ],
)
def test_a_plan_refuses_what_makes_no_sense(setting, message) -> None:
    with pytest.raises(ValueError, match=message):
        Plan(optimizer=optimizer("sgd"), schedule=schedule("constant", 0.1, 1), **setting)
