from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from portnn.plots import plot_loss
from portnn.plots.palette import BLUE, VERMILION

pytestmark = pytest.mark.host


@pytest.fixture
def run(tmp_path):
    """Folder of a run with five lines, two of them with a held-out loss."""
    lines = [
        {"step": step, "loss": 4.0 / step, "held_out_loss": 5.0 / step if step % 2 == 0 else None, "learning_rate": 0.1,
         "gradient_norm": 1.0, "characters_per_second": 1e5, "seconds": 0.1 * step}
        for step in range(1, 6)
    ]  # fmt: skip
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


@pytest.mark.parametrize("file", ["", "metrics.jsonl"])
def test_both_losses_over_steps(run, file) -> None:
    figure = plot_loss(run / file, title="A run")
    axes = figure.axes[0]
    training, held_out = axes.get_lines()
    assert training.get_xydata().tolist() == [[step, 4.0 / step] for step in range(1, 6)]
    assert held_out.get_xydata().tolist() == [[2, 2.5], [4, 1.25]]
    assert (training.get_color(), held_out.get_color()) == (BLUE, VERMILION)
    assert axes.get_title() == "A run"
    assert "nats" in axes.get_ylabel()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "held out"]
    assert "1.250" in [text.get_text() for text in axes.texts]


def test_bits_on_the_right(run) -> None:
    figure = plot_loss(run)
    figure.draw_without_rendering()
    (bits,) = figure.axes[0].child_axes
    assert "bits" in bits.get_ylabel()
    assert np.allclose(np.array(bits.get_ylim()) * np.log(2), figure.axes[0].get_ylim())


def test_axes_of_ones_own(run) -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert plot_loss(run, ax=ax) is ax.figure


def test_it_draws_to_a_file_without_a_screen(run) -> None:
    plot_loss(run).savefig(run / "loss.png")
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_no_held_out_loss(tmp_path) -> None:
    line = {"step": 1, "loss": 4.0, "held_out_loss": None, "learning_rate": 0.1, "gradient_norm": 1.0,
            "characters_per_second": 1e5, "seconds": 0.1}  # fmt: skip
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    assert len(plot_loss(tmp_path).axes[0].get_lines()) == 1


def test_nothing_to_draw(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "metrics.jsonl"):
        with pytest.raises(ValueError, match="has no metrics to draw"):
            plot_loss(path)


def test_no_matplotlib(run, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError):
        plot_loss(run)
