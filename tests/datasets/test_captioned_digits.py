"""Captioned pictures of digits: captions by an independent reading, and pictures by their strokes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from portnn.datasets import CaptionedDigits, captioned_digits, digits, sentences_about

pytestmark = pytest.mark.host

Shown = tuple[int, ...]
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
EVERY = [shown for count in (1, 2, 3) for shown in product(range(10), repeat=count)]
PARITY = {"even": 0, "odd": 1}


def in_order(shown: Shown, left: int, right: int) -> bool:
    return left in shown and right in shown[shown.index(left) + 1 :]


def once(shown: Shown, *wanted: int) -> bool:
    return all(shown.count(digit) == 1 for digit in wanted)


READINGS: dict[str, Callable[..., bool]] = {
    "A": lambda s, a: s == (a,),
    "only A": lambda s, a: s == (a,),
    "A and nothing else": lambda s, a: s == (a,),
    "the only digit is D": lambda s, a: s == (a,),
    "the P digit D": lambda s, p, a: s == (a,) and a % 2 == p,
    "A and A": lambda s, a, b: sorted(s) == sorted((a, b)),
    "A then A": lambda s, a, b: s == (a, b),
    "A then an P digit": lambda s, a, p: len(s) == 2 and s[0] == a and s[1] % 2 == p,
    "an P digit then A": lambda s, p, a: len(s) == 2 and s[1] == a and s[0] % 2 == p,
    "both are D": lambda s, a: s == (a, a),
    "the larger one is the D on the left": lambda s, a: len(s) == 2 and s[0] == a > s[1],
    "the larger one is the D on the right": lambda s, a: len(s) == 2 and s[1] == a > s[0],
    "the smaller one is the D on the left": lambda s, a: len(s) == 2 and s[0] == a < s[1],
    "the smaller one is the D on the right": lambda s, a: len(s) == 2 and s[1] == a < s[0],
    "from left to right D D": lambda s, *named: s == named,
    "from left to right D D D": lambda s, *named: s == named,
    "A then A then A": lambda s, *named: s == named,
    "A between A and A": lambda s, b, a, c: s == (a, b, c),
    "A between two P digits": lambda s, b, p: len(s) == 3 and s[1] == b and s[0] % 2 == s[2] % 2 == p,
    "A between an P digit and an P one": lambda s, b, p, q: (
        len(s) == 3 and s[1] == b and (s[0] % 2, s[2] % 2) == (p, q) and p != q
    ),
    "all three are D": lambda s, a: s == (a, a, a),
    "two are D and one is D": lambda s, a, b: sorted(s) == sorted((a, a, b)) and a != b,
    "the largest is D and the smallest is D": lambda s, a, b: len(set(s)) == len(s) == 3 and (max(s), min(s)) == (a, b),
    "A is to the left of A": lambda s, a, b: in_order(s, a, b) and a != b,
    "the D is larger than the D": lambda s, a, b: once(s, a, b) and a > b,
}
"""Whether each form is true of the digits shown. D stands for a digit, A for one with its article, P for a parity."""
PARTS = {"A": f"an? ({'|'.join(WORDS)})", "D": f"({'|'.join(WORDS)})", "P": "(even|odd)"}
PATTERNS = {form: re.compile(" ".join(PARTS.get(word, word) for word in form.split())) for form in READINGS}


def read(sentence: str) -> tuple[str, Callable[[Shown], bool]]:
    """Form of a sentence, and whether it is true of digits shown."""
    ((form, found),) = [(form, found) for form, each in PATTERNS.items() if (found := each.fullmatch(sentence))]
    values = [PARITY[word] if word in PARITY else WORDS.index(word) for word in found.groups()]
    return form, lambda shown: READINGS[form](shown, *values)


@pytest.fixture(scope="module")
def data() -> CaptionedDigits:
    return captioned_digits()


@pytest.fixture(scope="module")
def grammar() -> dict[str, tuple[str, Callable[[Shown], bool]]]:
    """Every sentence that is true of any picture, and its reading."""
    return {sentence: read(sentence) for sentence in {text for shown in EVERY for text in sentences_about(shown)}}


def strokes(images: np.ndarray) -> set[bytes]:
    """What stands in the cells of pictures, or single images of digits; blank cells left out."""
    cells = [cell for image in images[..., 0] for cell in np.split(image, image.shape[1] // 8, axis=1)]
    return {cell.tobytes() for cell in cells if cell.any()}


def same(one: CaptionedDigits, other: CaptionedDigits) -> bool:
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in zip(one, other, strict=True))


def test_sentences_are_true_and_different(grammar) -> None:
    for shown in EVERY:
        sentences = sentences_about(shown)
        assert len(set(sentences)) == len(sentences) >= 5
        assert all(grammar[sentence][1](shown) for sentence in sentences)


def test_no_true_sentence_is_left_out(grammar) -> None:
    for shown in EVERY[::29]:
        assert {text for text, (_, holds) in grammar.items() if holds(shown)} == set(sentences_about(shown))


def test_every_form_occurs_in_captions(data) -> None:
    forms = Counter(read(text)[0] for captions in data.captions for text in captions)
    assert set(forms) | {"all three are D"} == set(READINGS)  # that is one picture in 250


def test_sentences_are_short_and_of_few_words(grammar) -> None:
    assert {len(sentence.split()) for sentence in grammar} == {2, 3, 4, 5, 6, 7, 8, 9, 10}
    assert len({word for sentence in grammar for word in sentence.split()}) == 38
    assert all(re.fullmatch("[a-z]+( [a-z]+)*", sentence) for sentence in grammar)
    assert not any(re.search(r"\ba eight|\ban (?!eight|even|odd)", sentence) for sentence in grammar)


def test_no_sentence_is_true_of_many_pictures(data) -> None:
    """A model that does not look at the picture must not look good."""
    shares: Counter[str] = Counter()
    for shown in EVERY:
        for sentence in sentences_about(shown):
            shares[sentence] += {1: 0.3, 2: 0.3, 3: 0.4}[len(shown)] / 10 ** len(shown)
    assert max(shares.values()) == pytest.approx(0.03)
    drawn = Counter(text for shown in data.shown + data.test_shown for text in sentences_about(shown))
    assert max(drawn.values()) < 0.045 * len(data.shown + data.test_shown)


def test_sentences_keep_their_order() -> None:
    assert sentences_about((7,)) == [
        "a seven",
        "only a seven",
        "a seven and nothing else",
        "the only digit is seven",
        "the odd digit seven",
    ]
    assert sentences_about(np.asarray([8, 8])) == [
        "an eight and an eight",
        "an eight then an eight",
        "from left to right eight eight",
        "an eight then an even digit",
        "an even digit then an eight",
        "both are eight",
    ]


def test_shapes_and_values(data) -> None:
    for images, captions, shown in (data[:3], data[3:]):
        assert images.shape == (len(captions), 8, 24, 1)
        assert images.dtype == np.float64
        assert (images.min(), images.max()) == (0.0, 1.0)
        assert len(shown) == len(captions)
        assert {len(digits_shown) for digits_shown in shown} == {1, 2, 3}
        assert {type(digit) for digits_shown in shown for digit in digits_shown} == {int}
    assert (len(data.captions), len(data.test_captions)) == (2000, 500)


@pytest.mark.parametrize("part", ["train", "test"])
def test_pictures_show_handwriting_of_their_own_part_from_left_to_right(data, part) -> None:
    written = digits()
    pairs = [(written.images, written.labels), (written.test_images, written.test_labels)][part == "test"]
    labels = {image.tobytes(): label for image, label in zip(pairs[0], pairs[1].tolist(), strict=True)}
    images, shown = (data.test_images, data.test_shown) if part == "test" else (data.images, data.shown)
    for image, expected in zip(images[..., 0], shown, strict=True):
        cells = np.split(image, 3, axis=1)
        assert tuple(labels[cell.tobytes()] for cell in cells[: len(expected)]) == expected
        assert not any(cell.any() for cell in cells[len(expected) :])


def test_no_stroke_is_in_both_parts(data) -> None:
    assert not strokes(data.images) & strokes(data.test_images)
    assert len(strokes(data.images)) > 1300


@pytest.mark.parametrize("captions", [1, 3, 5])
def test_captions_are_different_and_true_by_an_independent_reading(captions) -> None:
    data = captioned_digits(300, test_pictures=100, captions=captions, seed=1)
    drawn = zip(data.captions + data.test_captions, data.shown + data.test_shown, strict=True)
    for sentences, shown in drawn:
        assert len(set(sentences)) == len(sentences) == captions
        assert all(read(sentence)[1](shown) for sentence in sentences)


def test_a_seed_gives_its_pictures_and_none_gives_new_ones() -> None:
    first = captioned_digits(30, test_pictures=10, seed=4)
    assert same(first, captioned_digits(30, test_pictures=10, seed=4))
    for seed in (5, None):
        assert not same(first, captioned_digits(30, test_pictures=10, seed=seed))


def test_test_pictures_do_not_depend_on_how_many_there_are_to_train_on(data) -> None:
    fewer = captioned_digits(10)
    assert np.array_equal(fewer.test_images, data.test_images)
    assert fewer[4:] == data[4:]


def test_the_default_pictures_stay_those_of_earlier_versions(data) -> None:
    assert (data.shown[:2], data.captions[0]) == (
        [(2, 9), (2, 4, 1)],
        ["the larger one is the nine on the right", "a two and a nine", "a two is to the left of a nine"],
    )
    assert (data.test_shown[:2], data.test_captions[0]) == (
        [(1, 9), (7,)],
        ["a one then an odd digit", "a one and a nine", "the nine is larger than the one"],
    )


def test_there_may_be_no_test_pictures() -> None:
    data = captioned_digits(5, test_pictures=0)
    assert data.test_images.shape == (0, 8, 24, 1)
    assert data.test_captions == data.test_shown == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"pictures": 0}, ValueError, "pictures must be a positive whole number, got 0"),
        ({"test_pictures": -1}, ValueError, "test_pictures must be 0 or a positive whole number, got -1"),
        ({"captions": 0}, ValueError, "captions must be a whole number from 1 to 5, got 0"),
        ({"captions": 6}, ValueError, "captions must be a whole number from 1 to 5, got 6"),
        ({"captions": "two"}, TypeError, "captions"),
        ({"seed": -1}, ValueError, "seed must be 0 or a positive whole number, got -1"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message) -> None:
    with pytest.raises(error, match=message):
        captioned_digits(**arguments)


@pytest.mark.parametrize("shown", [(), (1, 2, 3, 4), (10,), (3, -1), "37", (2.5,)])
def test_what_no_picture_shows_is_named(shown) -> None:
    with pytest.raises(ValueError, match=r"shown must be one to three digits from 0 to 9, got"):
        sentences_about(shown)
