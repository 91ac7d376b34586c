from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

import portnn
from portnn.estimators import Explanation
from portnn.plots import plot_sentence
from portnn.plots.palette import BLUE, VERMILION

pytestmark = pytest.mark.host

SENTENCE = "the film begins as a rather dull story , but after half an hour it turns into something quite wonderful"
TEXT = SENTENCE.split()


def explained(words, labels=("bad", "good"), *, unknown=(), several: bool = False, seed: int = 0) -> Explanation:
    """Explanation with random numbers; the label is the likeliest after the last word."""
    rng = np.random.default_rng(seed)
    logits = np.cumsum(rng.standard_normal((len(words), len(labels))), axis=0)
    probabilities = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    if several:
        probabilities = 1.0 / (1.0 + np.exp(-logits))
    known = tuple(word not in unknown for word in words)
    label = labels[int(np.argmax(probabilities[-1]))]
    return Explanation(tuple(words), known, label, rng.standard_normal(len(words)), list(labels), probabilities)


def rows(figure) -> list[tuple]:
    """Axes above and below the words of each row."""
    children = figure.axes[0].child_axes
    return list(zip(children[::2], children[1::2], strict=True))


def written(figure) -> list[str]:
    return [text.get_text() for above, _ in rows(figure) for text in above.texts]


def curve(figure) -> list[float]:
    """Probabilities of the explained label, which alone has markers."""
    return [
        y for above, _ in rows(figure) for line in above.lines if line.get_marker() == "o" for y in line.get_ydata()
    ]


def parts(figure) -> list[float]:
    return [bar.get_height() for _, below in rows(figure) for bar in below.patches]


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def check_values(figure, explanation: Explanation) -> None:
    assert written(figure) == list(explanation.tokens)
    assert curve(figure) == explanation.probabilities[:, explanation.labels.index(explanation.label)].tolist()
    assert parts(figure) == explanation.contributions.tolist()


def check_places(figure) -> None:
    """Points and bars stand at their words; no word overlaps another, or leaves the axes."""
    figure.draw_without_rendering()
    left, _, right, _ = figure.axes[0].bbox.extents
    for above, below in rows(figure):
        places = [text.xy[0] for text in above.texts]
        (own,) = [line for line in above.lines if line.get_marker() == "o"]
        assert np.allclose(own.get_xdata(), places)
        assert np.allclose([bar.get_x() + bar.get_width() / 2 for bar in below.patches], places)
        boxes = np.asarray([text.get_window_extent().extents for text in above.texts])
        assert np.all(boxes[1:, 0] > boxes[:-1, 2])
        assert boxes[0, 0] >= left - 1.0
        assert boxes[-1, 2] <= right + 1.0
        assert np.all(boxes[:, 3] < above.bbox.y0)
        assert np.all(boxes[:, 1] > below.bbox.y1)


def test_the_line_shows_probabilities_and_the_bars_contributions() -> None:
    explanation = Explanation(
        ("not", "bad"),
        (True, True),
        "+",
        np.asarray([-1.5, 2.0]),
        ["+", "-"],
        np.asarray([[0.25, 0.75], [0.875, 0.125]]),
    )
    figure = plot_sentence(explanation)
    assert figure.axes[0].get_title() == "+: probability 0.88"
    assert (curve(figure), parts(figure)) == ([0.25, 0.875], [-1.5, 2.0])
    (above, below), *others = rows(figure)
    assert not others
    assert [bar.get_facecolor() for bar in below.patches] == [to_rgba(VERMILION), to_rgba(BLUE)]
    assert (above.get_ylabel(), below.get_ylabel()) == ("probability", "part in\nlogit")
    assert legend(figure) == ["probability of +", "for +", "against +"]
    check_places(figure)


def test_a_real_explanation() -> None:
    texts, labels = ["good", "not good", "bad", "not bad"] * 8, ["+", "-", "-", "+"] * 8
    model = portnn.TextClassifier(hidden_size=8, embedding_size=8, seed=1)
    model.fit(texts, labels, steps=20, progress=False)
    explanation = model.explain("not quite bad")
    figure = plot_sentence(explanation)
    check_values(figure, explanation)
    column = model.labels.names.index(explanation.label)
    assert np.allclose(curve(figure), model.predict_proba(["not", "not quite", "not quite bad"])[:, column])
    assert written(figure) == ["not", "quite", "bad"]
    assert "unknown word" in legend(figure)


@pytest.mark.parametrize("size", [None, (8.0, 4.0), (3.5, 8.0), (6.0, 4.0)])
def test_a_long_text_takes_several_rows(size) -> None:
    explanation = explained(TEXT * 3)
    ax = None if size is None else Figure(figsize=size, layout="constrained").subplots()
    figure = plot_sentence(explanation, ax=ax)
    assert len(rows(figure)) > 2
    check_values(figure, explanation)
    check_places(figure)
    tops = [above.bbox.y1 for above, _ in rows(figure)]
    assert tops == sorted(tops, reverse=True)
    low, high = {below.get_ylim() for _, below in rows(figure)}.pop()
    assert low < min(explanation.contributions)
    assert high > max(explanation.contributions)
    assert len({below.get_ylim() for _, below in rows(figure)}) == 1


def test_curves_run_on_from_row_to_row() -> None:
    figure = plot_sentence(explained(TEXT * 2))
    (first, _), (second, _), *_ = rows(figure)
    leaving, coming = first.lines[-1], second.lines[1]
    assert leaving.get_ydata()[1] == coming.get_ydata()[0]
    assert leaving.get_ydata()[0] == first.lines[0].get_ydata()[-1]
    assert coming.get_ydata()[1] == second.lines[0].get_ydata()[0]
    assert coming.get_xdata()[0] == 0.0


def test_new_figures_are_as_large_as_their_text() -> None:
    sizes = [plot_sentence(explained(TEXT[:1] * count)).get_size_inches() for count in (1, 18, 40, 80)]
    assert [width for width, _ in sizes] == sorted(width for width, _ in sizes)
    assert sizes[-1][0] == 8.0
    assert sizes[0][1] == sizes[1][1] < sizes[2][1] < sizes[3][1]


@pytest.mark.parametrize("known", [True, False])
def test_only_unknown_words_have_a_frame(known) -> None:
    figure = plot_sentence(explained(["a", "quux", "film"], unknown=() if known else ("quux",)))
    (above, _), *_ = rows(figure)
    frames = {text.get_text(): text.get_bbox_patch() for text in above.texts}
    assert (frames["a"], frames["film"]) == (None, None)
    assert (frames["quux"] is None) is known
    assert ("unknown word" in legend(figure)) is not known
    if not known:
        assert frames["quux"].get_linestyle() == "--"


def test_other_labels_have_lines_of_their_own_styles() -> None:
    explanation = explained(["one", "two", "three"], labels=tuple("abcdefg"))
    figure = plot_sentence(explanation)
    ((above, _),) = rows(figure)
    highest = np.max(explanation.probabilities, axis=0)
    others = sorted("abcdefg", key=lambda a: -highest["abcdefg".index(a)])
    others.remove(explanation.label)
    assert legend(figure)[:5] == [f"probability of {explanation.label}", *(f"of {label}" for label in others[:4])]
    for line, label in zip(above.lines, [explanation.label, *others[:4]], strict=True):
        assert line.get_ydata().tolist() == explanation.probabilities[:, "abcdefg".index(label)].tolist()
    assert len({(line.get_color(), str(line.get_linestyle())) for line in above.lines}) == 5


@pytest.mark.parametrize("several", [False, True])
def test_the_second_of_two_labels_is_drawn_if_it_says_more(several) -> None:
    ((above, _),) = rows(plot_sentence(explained(["one", "two"], several=several)))
    assert len(above.lines) == 1 + several


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [
        (["$x$", "a_b"], ["$x$", "a_b"]),
        (["n", " ", "\n", "\t "], ["n", "\u2423", r"\n", "\\t\u2423"]),
        ([""], ["(no words)"]),
        (["caf\udce9"], [r"caf\udce9"]),
        (["x" * 90], ["x" * 23 + "\u2026"]),
    ],
)
def test_tokens_as_they_are_written(tokens, shown) -> None:
    figure = plot_sentence(explained(tokens))
    figure.draw_without_rendering()
    assert written(figure) == shown
    assert not any(text.get_parse_math() for above, _ in rows(figure) for text in above.texts)


@pytest.mark.parametrize("label", ["$a$ and $", 3, True])
def test_labels_of_any_kind(label) -> None:
    figure = plot_sentence(explained(["one"], labels=(label, "b" * 70)))
    figure.draw_without_rendering()
    figure = plot_sentence(explained(["one"], labels=("b" * 70, label))._replace(label=label))
    figure.draw_without_rendering()
    assert figure.axes[0].get_title().startswith(f"{label}: probability 0.")


def test_no_contributions_at_all() -> None:
    figure = plot_sentence(explained(["one", "two"])._replace(contributions=np.zeros(2)))
    assert parts(figure) == [0.0, 0.0]


def test_given_axes_and_title() -> None:
    left, right = Figure(figsize=(9, 3), layout="constrained").subplots(1, 2)
    assert plot_sentence(explained(TEXT[:6]), ax=left, title="A $ sentence") is left.figure
    assert left.get_title() == "A $ sentence"
    assert not right.child_axes
    check_places(left.figure)


def test_letters_that_the_chosen_font_lacks_come_from_another() -> None:
    from matplotlib import font_manager

    charmaps = {
        name: set(font_manager.get_font(font_manager.findfont(name)).get_charmap())
        for name in ("DejaVu Sans", "STIXGeneral")
    }
    # A letter by itself: what combines with others has no place of its own.
    letters = (chr(number) for number in sorted(charmaps["STIXGeneral"] - charmaps["DejaVu Sans"]))
    letter = next(letter for letter in letters if letter.isalpha())
    figure = plot_sentence(explained(["plain", letter]))
    figure.draw_without_rendering()  # matplotlib would warn of a missing letter
    ((above, _),) = rows(figure)
    assert len(above.texts[1].get_fontfamily()) > 1
    assert plot_sentence(explained(["plain"])).axes[0].title.get_fontfamily() == ["sans-serif"]


def test_invalid_arguments_raise() -> None:
    with pytest.raises(TypeError, match=r"explanation is str, expected what TextClassifier\.explain returns"):
        plot_sentence("not bad")
    with pytest.raises(ValueError, match="the text has 501 words, but at most 500 can be drawn"):
        plot_sentence(explained(["word"] * 501))


def to_rgba(colour: str) -> tuple[float, ...]:
    from matplotlib.colors import to_rgba

    return to_rgba(colour)
