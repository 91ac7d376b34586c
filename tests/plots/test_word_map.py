from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from portnn.plots import plot_words
from portnn.plots.labels import place_labels
from portnn.plots.word_map import principal_axes

pytestmark = pytest.mark.host


class Vectors(dict):
    """Word vectors, most frequent word first."""

    @property
    def index_to_key(self) -> list[str]:
        return list(self)


def some(rng, words: int, *, longest: int = 9) -> Vectors:
    """Clusters of words of 1 to `longest` letters."""
    names = [f"{'w' * int(rng.integers(0, longest))}{number}" for number in range(words)]
    rows = rng.standard_normal((words, 6)) + 3.0 * rng.integers(0, 2, size=(words, 6)) ** 2
    return Vectors(zip(names, rows, strict=True))


def label_boxes(figure, *, dpi: float) -> np.ndarray:
    """Left, bottom, right and top end of each drawn label, in pixels."""
    figure.set_dpi(dpi)
    figure.draw_without_rendering()
    return np.asarray([Text.get_window_extent(text).extents for text in figure.axes[0].texts])  # without its line


def check_labels(figure, points: int, *, dpi: float = 100.0) -> None:
    """No label overlaps another or a point, or leaves the axes."""
    boxes = label_boxes(figure, dpi=dpi)
    axes = figure.axes[0]
    left, bottom, right, top = axes.bbox.extents
    for box in boxes:
        assert np.all(box >= (left, bottom, left, bottom))
        assert np.all(box <= (right, top, right, top))
    for one, two in itertools.combinations(boxes, 2):
        assert np.any(np.maximum(one[:2], two[:2]) >= np.minimum(one[2:], two[2:]))
    places = axes.transData.transform(axes.collections[0].get_offsets())
    assert len(places) == points
    radius = np.sqrt(axes.collections[0].get_sizes()[0]) / 2 * dpi / 72.0
    for box in boxes:
        away = np.max(np.abs(places - np.clip(places, box[:2], box[2:])), axis=1)
        assert np.min(away) >= radius


@pytest.mark.parametrize(("words", "size"), [(7, None), (30, None), (60, None), (7, (2.5, 2.0)), (40, (3.5, 3.0))])
def test_labels_overlap_nothing(rng, words, size) -> None:
    vectors = some(rng, words)
    ax = None if size is None else Figure(figsize=size, layout="constrained").subplots()
    figure = plot_words(vectors, list(vectors), ax=ax, title="Words")
    assert sorted(text.get_text() for text in figure.axes[0].texts) == sorted(vectors)
    for dpi in (100.0, 144.0):
        check_labels(figure, words, dpi=dpi)


def test_a_hundred_and_fifty_long_words(rng) -> None:
    vectors = some(rng, 150, longest=20)
    figure = plot_words(vectors, list(vectors))
    assert len(figure.axes[0].texts) == 150
    check_labels(figure, 150)


def test_the_title_counts_labels_that_fit(rng) -> None:
    vectors = some(rng, 60)
    vectors["w" * 500] = vectors["wide"] = np.zeros(6)
    ax = Figure(figsize=(1.6, 1.4), layout="constrained").subplots()
    figure = plot_words(vectors, list(vectors), ax=ax, title="Words")
    labels = [text.get_text() for text in ax.texts]
    assert "w" * 500 not in labels
    assert ax.get_title() == f"Words\n{len(labels)} of 62 labels fit"
    assert 5 < len(labels) < 62
    check_labels(figure, 62)


def test_the_most_frequent_words_and_a_line_where_a_label_is_far(rng) -> None:
    vectors = some(rng, 50)
    shown = {text.get_text() for text in plot_words(vectors).axes[0].texts}
    assert shown == set(list(vectors)[:30])
    same = Vectors({f"word{number}": np.ones(5) for number in range(12)})
    figure = plot_words(same)
    check_labels(figure, 12)
    apart = plot_words(Vectors({f"word{number}": row for number, row in enumerate(np.eye(3))}))
    for drawn, far in ((figure, True), (apart, False)):
        assert any(text.arrow_patch is not None for text in drawn.axes[0].texts) is far


@pytest.mark.parametrize("row", [[0.1, 0.2, 0.7], [0.0, 0.0, 0.0], [1e20, 3.0, 1.0]])
@pytest.mark.parametrize("words", [1, 3])
def test_words_with_equal_vectors(row, words) -> None:
    figure = plot_words(Vectors({f"word{number}": np.asarray(row) for number in range(words)}))
    axes = figure.axes[0]
    assert np.array_equal(axes.collections[0].get_offsets(), np.zeros((words, 2)))
    assert axes.get_xlabel() == "principal axis 1 [0% of variance]"
    check_labels(figure, words)


@pytest.mark.parametrize("name", ["$x$", "new_york", "a$b", r"\alpha"])
def test_words_are_not_formulas(name) -> None:
    figure = plot_words(Vectors({name: np.zeros(2), "one": np.ones(2)}))
    figure.draw_without_rendering()
    assert name in [text.get_text() for text in figure.axes[0].texts]
    assert not any(text.get_parse_math() for text in figure.axes[0].texts)


def test_principal_axes(rng) -> None:
    rows = rng.standard_normal((40, 5)) * [0.1, 3.0, 0.1, 1.0, 0.1] + 7.0
    points, shares = principal_axes(rows)
    covariance = np.cov(rows.T)
    values = np.linalg.eigvalsh(covariance)[::-1]
    assert np.allclose(np.cov(points.T), np.diag(values[:2]))
    assert np.allclose(shares, values[:2] / np.sum(values))
    assert np.corrcoef(points[:, 0], rows[:, 1])[0, 1] > 0.9  # points towards the largest component
    assert np.allclose(principal_axes(rows[::-1])[0][::-1], points)
    assert np.allclose(principal_axes(-rows)[0], -points)


def test_equal_components_do_not_decide_the_sign() -> None:
    for noise in (1e-15, -1e-15):
        points, shares = principal_axes(np.asarray([[0.0, 0.0], [1.0 + noise, -1.0]]))
        assert points[0, 0] < points[1, 0]
        assert np.array_equal(points[:, 1], [0.0, 0.0])
        assert np.allclose(shares, [1.0, 0.0])


def test_vectors_of_one_number_lie_on_a_line() -> None:
    figure = plot_words(Vectors(a=np.asarray([1.0]), b=np.asarray([3.0]), c=np.asarray([2.0])))
    assert np.allclose(figure.axes[0].collections[0].get_offsets(), [[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    check_labels(figure, 3)


def test_a_label_makes_room_for_another() -> None:
    # The second label has a single place in the narrow frame, which the first one prefers.
    points = np.asarray([[30.0, 10.0], [30.0, 10.0], [30.0, 10.0]])
    sizes = np.full((3, 2), [20.0, 8.0])
    corners = place_labels(points, sizes, (0.0, 0.0, 60.0, 20.0), dot=1.0, gap=0.5, reach=60.0)
    assert all(corner is not None for corner in corners)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["one", "tow", "thre"], "words has 2 without a vector: 'tow', 'thre'"),
        ([f"x{number}" for number in range(12)], r"words has 12 without a vector: 'x0', .*, 'x9', \.\.\."),
        ([], "words has no words to draw"),
        ("one", "words must be a list of words, got the str 'one'"),
        (["one", "broken"], "the vector of 'broken' contains NaN or infinity"),
    ],
)
def test_invalid_arguments_raise(words, message) -> None:
    vectors = Vectors(one=np.zeros(2), broken=np.asarray([0.0, np.nan]))
    with pytest.raises(ValueError, match=message):
        plot_words(vectors, words)


def test_what_no_font_has_is_escaped(rng) -> None:
    words = ["caf\udce9", "\x01a", "$x$"]
    figure = plot_words(Vectors(zip(words, rng.standard_normal((3, 3)), strict=True)), words)
    assert {text.get_text() for text in figure.axes[0].texts} == {r"caf\udce9", r"\x01a", "$x$"}
