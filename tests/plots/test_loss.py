from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from portnn.plots import plot_loss
from portnn.plots.palette import BLUE, VERMILION


def line(step: int, loss: float, held_out: float | None = None, **more) -> dict:
    """One line of metrics."""
    losses = {"step": step, "loss": loss, "held_out_loss": held_out}
    return {**losses, "learning_rate": 0.1, "gradient_norm": 1.0, "seconds": 0.1 * step, **more}


LINES = [
    line(step, 4.0 / step, 5.0 / step if step % 2 == 0 else None, characters_per_second=1e5) for step in range(1, 6)
]
"""Five lines of metrics, two of them with a held-out loss."""


def drawn(figure) -> list[list[list[float]]]:
    """Points of each curve."""
    return [line.get_xydata().tolist() for line in figure.axes[0].get_lines()]


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


@pytest.fixture
def run(tmp_path):
    """Folder of a run."""
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return tmp_path


@pytest.mark.host
@pytest.mark.parametrize("file", ["", "metrics.jsonl", None])
def test_both_losses_over_steps(run, file) -> None:
    figure = plot_loss(LINES if file is None else run / file, title="A run")
    axes = figure.axes[0]
    training, held_out = axes.get_lines()
    assert training.get_xydata().tolist() == [[step, 4.0 / step] for step in range(1, 6)]
    assert held_out.get_xydata().tolist() == [[2, 2.5], [4, 1.25]]
    assert (training.get_color(), held_out.get_color()) == (BLUE, VERMILION)
    assert axes.get_title() == "A run"
    assert "nats" in axes.get_ylabel()
    assert legend(figure) == ["training", "held out"]
    assert "1.250" in [text.get_text() for text in axes.texts]


@pytest.mark.host
@pytest.mark.parametrize("logy", [False, True])
def test_bits_on_the_right(run, logy) -> None:
    figure = plot_loss(run, ylabel="cross-entropy [nats per row]", logy=logy)
    figure.draw_without_rendering()
    (bits,) = figure.axes[0].child_axes
    assert bits.get_ylabel() == "[bits per row]"
    assert np.allclose(np.array(bits.get_ylim()) * np.log(2), figure.axes[0].get_ylim())
    assert figure.axes[0].get_yscale() == ("log" if logy else "linear")


@pytest.mark.host
@pytest.mark.parametrize("several", [False, True])
def test_a_run_of_word2vec(tmp_path, several) -> None:
    lines = [line(step, 3.0 / step, gradient_norm=None, words_per_second=1e5) for step in (1, 2)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    figure = plot_loss({"window 5": tmp_path, "window 10": lines} if several else tmp_path)
    assert drawn(figure)[0] == [[1, 3.0], [2, 1.5]]
    assert figure.axes[0].get_ylabel() == "loss [nats per pair]"
    assert figure.axes[0].child_axes[0].get_ylabel() == "[bits per pair]"
    assert legend(figure) == (["window 5", "window 10"] if several else ["training"])
    without = [{name: value for name, value in line.items() if name != "held_out_loss"} for line in lines]
    assert drawn(plot_loss(without, ylabel="nats")) == drawn(figure)[:1]


@pytest.mark.host
def test_a_run_of_a_text_classifier() -> None:
    figure = plot_loss([line(step, 0.7 / step, 0.8 / step, texts_per_second=1e3) for step in (1, 2)])
    assert figure.axes[0].get_ylabel() == "loss [nats per text]"
    assert drawn(figure) == [[[1, 0.7], [2, 0.35]], [[1, 0.8], [2, 0.4]]]


@pytest.mark.host
@pytest.mark.parametrize("options", [{"bits": False}, {"ylabel": "half the squared error [cm^2]"}])
def test_no_bits_for_other_units(run, options) -> None:
    assert not plot_loss(run, **options).axes[0].child_axes


@pytest.mark.host
def test_plain_numbers_on_a_logarithmic_axis(run) -> None:
    figure = plot_loss(run, logy=True)
    figure.draw_without_rendering()
    assert "2" in [label.get_text() for label in figure.axes[0].get_yticklabels()]


@pytest.mark.host
def test_several_runs_differ_without_colour(run) -> None:
    figure = plot_loss({"with momentum": run, "without": LINES[:1], "sigmoid": [3, 2, 1], "relu": ([10, 20], [2, 1])})
    assert legend(figure) == ["with momentum, training", "with momentum, held out", "without", "sigmoid", "relu"]
    assert drawn(figure)[1:] == [[[2, 2.5], [4, 1.25]], [[1, 4]], [[1, 3], [2, 2], [3, 1]], [[10, 2], [20, 1]]]
    lines = figure.axes[0].get_lines()
    assert len({line.get_color() for line in lines}) == len({str(line.get_linestyle()) for line in lines}) == 4
    assert (lines[0].get_color(), lines[0].get_linestyle()) == (lines[1].get_color(), lines[1].get_linestyle())


def test_losses_of_any_library(place) -> None:
    losses = place([3.0, 2.0, 1.0])
    assert drawn(plot_loss(losses)) == [[[1, 3], [2, 2], [3, 1]]]
    assert drawn(plot_loss({"a": (place([5, 6, 7]), losses)})) == [[[5, 3], [6, 2], [7, 1]]]


@pytest.mark.host
def test_given_axes(run) -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert plot_loss(run, ax=ax) is ax.figure
    assert len(ax.get_lines()) == 2


@pytest.mark.host
def test_it_draws_to_a_file_without_a_screen(run) -> None:
    plot_loss(run).savefig(run / "loss.png")
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.host
def test_no_held_out_loss() -> None:
    assert len(plot_loss(LINES[:1]).axes[0].get_lines()) == 1


@pytest.mark.host
def test_no_metrics_in_a_folder(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "metrics.jsonl"):
        with pytest.raises(ValueError, match=r"[/\\].* has no metrics to draw"):
            plot_loss(path)


@pytest.mark.host
@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([], "runs has no metrics to draw"),
        ({}, "runs has no runs to draw"),
        ({"a": []}, r"runs\['a'\] has no metrics"),
        ({"a": np.zeros((3, 2))}, r"runs\['a'\] has losses of shape \(3, 2\).*expected \(n,\)"),
        (([1, 2, 3], [0.5, 0.4]), r"losses of shape \(2,\) at steps of shape \(3,\)"),
        ([{"step": 1}], "line without 'loss'"),
    ],
)
def test_invalid_arguments_raise(runs, message) -> None:
    with pytest.raises(ValueError, match=message):
        plot_loss(runs)


@pytest.mark.host
def test_no_matplotlib(run, monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "portnn.plots.figure", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError):
        plot_loss(run)
