"""What a reader of a notebook sees: bars, pictures and models, each once, and nothing that looks like an error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import WIDGET, WITHOUT_WIDGETS

FIRST_STEPS = Path(__file__).parents[2] / "examples" / "notebook" / "first_steps.py"
HTML, PNG, SVG = "text/html", "image/png", "image/svg+xml"
DATA = "import numpy as np, portnn; X = np.linspace(-1, 1, 60)[:, None]; y = X[:, 0] > 0"
FIT = "model = portnn.MLP((4,)).fit(X, y, epochs=200, held_out=0.2, evaluate_every=1)"


def test_a_run_shows_one_widget_and_says_nothing_else(run) -> None:
    cells = run(
        DATA,
        FIT,
        FIT.replace("held_out", "patience=3, held_out"),
        FIT.replace("held_out", "progress=False, held_out"),
        "w = portnn.Word2Vec(vector_size=4, window=2, min_count=1, phrases=1, epochs=9).fit('a b c d e\\n' * 50)",
    )
    assert [cell.error for cell in cells] == [""] * 5
    assert [cell.types[WIDGET] for cell in cells] == [0, 1, 1, 0, 1]
    assert [cell.stderr for cell in cells] == [""] * 5
    assert [cell.stdout for cell in cells] == ["", "", "", "", "phrases: 0 with a score above 10\n"]


def test_a_widget_is_green_where_a_run_ended_early_and_red_where_it_was_stopped(run) -> None:
    stop = "import os, signal; stop = lambda event: os.kill(os.getpid(), signal.SIGINT) if event.step == 9 else None"
    early = FIT.replace("held_out", "patience=1, tolerance=1.0, held_out")
    _, _, ended, stopped = run(DATA, stop, early, FIT.replace("held_out", "callbacks=[stop], held_out"))
    assert [(bar["bar_style"], bar["value"] == bar["max"]) for bar in ended.bars] == [("success", True)]
    assert [(bar["bar_style"], bar["value"], bar["max"]) for bar in stopped.bars] == [("danger", 9, 200)]


def test_without_widgets_there_is_one_bar_of_text_that_does_not_look_like_an_error(run) -> None:
    cells = run(WITHOUT_WIDGETS, DATA, FIT, FIT.replace("held_out", "patience=1, tolerance=1.0, held_out"))
    assert [cell.error for cell in cells] == [""] * 4
    assert [cell.stderr for cell in cells] == [""] * 4
    for cell in cells[2:]:
        assert cell.shown == []
        lines = cell.stdout.splitlines()[-1:]
        assert len([line for line in cell.stdout.split("\n") if line.strip()]) == 1
        assert re.search(r"100%\|█+\| (\d+)/\1 \[.*loss 0\.\d+, [\d,]+ row/s, held-out loss 0\.\d+\]", lines[0])


def test_an_interrupted_run_has_been_saved_and_leaves_a_model_that_can_be_used(run) -> None:
    stop = "import os, signal; stop = lambda event: os.kill(os.getpid(), signal.SIGINT) if event.step == 9 else None"
    _, fit, shown, asked, saved, resumed = run(
        f"{DATA}; {stop}",
        "model = portnn.MLP((4,)); model.fit(X, y, epochs=200, callbacks=[stop], out='run')",
        "model",
        "model.predict(X).shape, model.history.step",
        "portnn.load('run/last.safetensors').predict(X).shape",
        "model.fit(X, y, epochs=20, out='run', resume=True); model",
    )
    assert fit.error == "Interrupted"
    assert shown.text == ["MLP(hidden_layer_sizes=(4,))  # fitted, 9 steps"]
    assert shown.types == {HTML: 1}
    assert asked.text == ["((60,), 9)"]
    assert saved.text == ["(60,)"]
    assert resumed.text[-1] == "MLP(hidden_layer_sizes=(4,))  # fitted, 20 steps"


@pytest.mark.parametrize(
    "before",
    [
        "1;",
        "import matplotlib.pyplot as plt",
        "%matplotlib inline",
        "import matplotlib.pyplot as plt; plt.plot([1, 2]);",
    ],
)
def test_a_plot_is_one_picture_whatever_pyplot_does(run, before) -> None:
    plot = "from portnn.plots import plot_loss; plot_loss([3.0, 2.0, 1.0])"
    _, first, second, kept, drawn, left = run(
        before, plot, plot, "figure = plot_loss([3.0, 1.0])", "figure", "import matplotlib.pyplot as p; p.get_fignums()"
    )
    assert [cell.types for cell in (first, second, kept, drawn)] == [{PNG: 1}, {PNG: 1}, {}, {PNG: 1}]
    assert left.text == ["[]"]
    assert [cell.stderr for cell in (first, second, kept, drawn)] == [""] * 4


def test_a_figure_of_pyplot_is_shown_by_pyplot_once(run) -> None:
    _, cell = run(
        "import matplotlib.pyplot as plt; from portnn.plots import plot_loss",
        "figure, (left, right) = plt.subplots(1, 2)\nplot_loss([3.0, 1.0], ax=left)\nplot_loss([2.0, 1.0], ax=right);",
    )
    assert cell.types == {PNG: 1}


def test_the_format_of_pictures_is_that_of_the_notebook(run) -> None:
    _, cell = run(
        "%matplotlib inline\n%config InlineBackend.figure_format = 'svg'",
        "from portnn.plots import plot_loss; plot_loss([3.0, 1.0])",
    )
    assert len(cell.shown) == 1
    assert cell.types[SVG] == 1


def test_an_estimator_is_html_and_text(run) -> None:
    _, new, fitted = run(
        "import portnn", "portnn.CharRNN('gru', 16)", "portnn.CharRNN(hidden_size=4).fit('abc ' * 2000, steps=2)"
    )
    assert new.types == {HTML: 1}
    assert new.text == ["CharRNN(cell='gru', hidden_size=16)  # not fitted"]
    assert fitted.types == {HTML: 1, WIDGET: 1}
    assert fitted.text[-1] == "CharRNN(hidden_size=4)  # fitted, 2 steps"


@pytest.mark.parametrize("first", ["1;", WITHOUT_WIDGETS])
def test_the_first_steps(run, first) -> None:
    code = re.split(r"^# %%.*\n", FIRST_STEPS.read_text("utf-8"), flags=re.MULTILINE)
    _, _, *cells = run(first, *code)
    assert [cell.error + cell.stderr for cell in cells] == [""] * len(cells)
    writer, loss, sample, classifier, boundary, words, similar, word_map, _ = cells
    bars = 1 if first == "1;" else 0
    for cell in (writer, classifier, words):
        assert cell.types == ({HTML: 1, WIDGET: 1} if bars else {HTML: 1})
        lines = [line for line in cell.stdout.split("\n") if line.strip()]
        assert len(lines) == 1 - bars  # one bar, whose last frame may come twice
        assert all("100%" in line for line in lines)
    for cell in (loss, boundary, word_map):
        assert cell.types == {PNG: 1}
    assert sample.stdout.startswith("The ")
    assert "('false', 0." in similar.text[0]
