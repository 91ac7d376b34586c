"""Pictures of one to three handwritten digits, with sentences of a small grammar that say what they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portnn.backends import seed_of
from portnn.datasets.handwriting import digits
from portnn.settings import brief, checked_number, not_negative, positive

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CELLS = 3
"""Most digits of a picture."""
COUNTS = (1, 1, 1, 2, 2, 2, 3, 3, 3, 3)
"""A picture shows one of these numbers of digits. One is rarer: a caption fits a tenth of the pictures of one digit."""
MOST_CAPTIONS = 5
"""Sentences that are true of any picture, at least; of most there are twice as many."""


class CaptionedDigits(NamedTuple):
    """Pictures, sentences about them, and the digits shown.

    Parameters
    ----------
    images : ndarray of float64, shape (n_pictures, 8, 24, 1)
        0 where the paper is blank, up to 1 where it is all ink. The digits stand in cells of 8 x 8 pixels, side by side
        from the left edge on; cells that are left over are blank.
    captions : list of lists of str
        For each picture some of `sentences_about` it, all different: lowercase words, separated by spaces.
    shown : list of tuples of int
        The digits of each picture, from left to right.
    test_images : ndarray of float64, shape (n_test_pictures, 8, 24, 1)
    test_captions : list of lists of str
    test_shown : list of tuples of int
    """

    images: NDArray[np.float64]
    captions: list[list[str]]
    shown: list[tuple[int, ...]]
    test_images: NDArray[np.float64]
    test_captions: list[list[str]]
    test_shown: list[tuple[int, ...]]


def captioned_digits(
    pictures: int = 2000, *, test_pictures: int = 500, captions: int = 3, seed: int | None = 0
) -> CaptionedDigits:
    """Pictures of one, two or three handwritten digits, each with sentences about it.

    Parameters
    ----------
    pictures : int
        Number of pictures to train on: 30 % show one digit, 30 % two and 40 % three, up to chance.
    test_pictures : int
        Number of pictures to test with, composed of handwriting that is in no picture to train on.
    captions : int
        Sentences for each picture, 1 to 5.
    seed : int, optional
        A seed gives the same pictures and sentences with every version of NumPy, and the same test pictures whatever
        the number of others; None gives new ones.

    Returns
    -------
    CaptionedDigits

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    TypeError
        If an argument is not a number.
    ValueError
        If `pictures` is not positive, `test_pictures` or `seed` is negative, or `captions` is not in 1 to 5.

    See Also
    --------
    digits : The handwriting; pictures are composed of either part of ``digits(seed=seed)``.
    sentences_about : The sentences that captions are drawn from, and so whether a caption is right.

    Notes
    -----
    The same caption for every picture is hardly ever right: where digits are equally frequent, no sentence is true of
    more than 3 % of the pictures.

    Examples
    --------
    >>> from portnn.datasets import captioned_digits, sentences_about
    >>> data = captioned_digits(pictures=100, test_pictures=20)
    >>> data.images.shape, data.test_images.shape
    ((100, 8, 24, 1), (20, 8, 24, 1))
    >>> data.shown[0]
    (6, 1, 4)
    >>> data.captions[0]
    ['a one between two even digits', 'a six is to the left of a four', 'the six is larger than the one']
    >>> data.captions[0][0] in sentences_about(data.shown[0])
    True
    """
    pictures = checked_number("pictures", pictures, int, positive)
    test_pictures = checked_number("test_pictures", test_pictures, int, not_negative)
    captions = checked_number("captions", captions, int)
    if not 1 <= captions <= MOST_CAPTIONS:
        raise ValueError(f"captions must be a whole number from 1 to {MOST_CAPTIONS}, got {captions}")
    seed = seed_of(seed)
    images, labels, test_images, test_labels = digits(seed=seed)
    draws = np.random.RandomState(seed)  # NumPy guarantees that this stream never changes
    test = _drawn(test_images, test_labels, test_pictures, captions, draws)
    return CaptionedDigits(*_drawn(images, labels, pictures, captions, draws), *test)


def sentences_about(shown: Sequence[int]) -> list[str]:
    """Every sentence of the grammar that is true of a picture.

    Parameters
    ----------
    shown : sequence of int
        One to three digits, from left to right.

    Returns
    -------
    list of str
        At least five different sentences of 2 to 10 words, in an order that never changes. A caption is exactly right
        if it is one of them.

    Raises
    ------
    ValueError
        If `shown` is not one to three digits from 0 to 9.

    Notes
    -----
    Articles claim as much as in English: "a three is to the left of a seven" leaves open what else is there, "the seven
    is larger than the three" says that there is one of each.

    Examples
    --------
    >>> from portnn.datasets import sentences_about
    >>> for sentence in sentences_about((3, 7)):
    ...     print(sentence)
    a three and a seven
    a seven and a three
    a three then a seven
    from left to right three seven
    a three then an odd digit
    an odd digit then a seven
    the larger one is the seven on the right
    the smaller one is the three on the left
    a three is to the left of a seven
    the seven is larger than the three
    """
    if not all(digit in range(10) for digit in shown):
        raise _not_shown(shown)
    match [int(digit) for digit in shown]:
        case [digit]:
            sentences = _about_one(digit)
        case [left, right]:
            sentences = _about_two(left, right)
        case [left, middle, right]:
            sentences = _about_three(left, middle, right)
        case _:
            raise _not_shown(shown)
    return list(dict.fromkeys([*sentences, *_relations(shown)]))  # equal digits can say the same twice


def _about_one(digit: int) -> Iterator[str]:
    yield _a(digit)
    yield f"only {_a(digit)}"
    yield f"{_a(digit)} and nothing else"
    yield f"the only digit is {NAMES[digit]}"
    yield f"the {_parity(digit)} digit {NAMES[digit]}"


def _about_two(left: int, right: int) -> Iterator[str]:
    yield f"{_a(left)} and {_a(right)}"
    yield f"{_a(right)} and {_a(left)}"
    yield f"{_a(left)} then {_a(right)}"
    yield f"from left to right {NAMES[left]} {NAMES[right]}"
    yield f"{_a(left)} then an {_parity(right)} digit"
    yield f"an {_parity(left)} digit then {_a(right)}"
    if left == right:
        yield f"both are {NAMES[left]}"
    else:
        larger, smaller = ("left", "right") if left > right else ("right", "left")
        yield f"the larger one is the {NAMES[max(left, right)]} on the {larger}"
        yield f"the smaller one is the {NAMES[min(left, right)]} on the {smaller}"


def _about_three(left: int, middle: int, right: int) -> Iterator[str]:
    yield f"{_a(left)} then {_a(middle)} then {_a(right)}"
    yield f"from left to right {NAMES[left]} {NAMES[middle]} {NAMES[right]}"
    yield f"{_a(middle)} between {_a(left)} and {_a(right)}"
    beside = (_parity(left), _parity(right))
    outer = f"two {beside[0]} digits" if beside[0] == beside[1] else f"an {beside[0]} digit and an {beside[1]} one"
    yield f"{_a(middle)} between {outer}"
    low, median, high = sorted((left, middle, right))
    if low == high:
        yield f"all three are {NAMES[low]}"
    elif median in (low, high):
        yield f"two are {NAMES[median]} and one is {NAMES[low + high - median]}"
    else:
        yield f"the largest is {NAMES[high]} and the smallest is {NAMES[low]}"


def _relations(shown: Sequence[int]) -> Iterator[str]:
    """What is true of two digits, whether or not there is a third."""
    for left, right in combinations(shown, 2):
        if left != right:
            yield f"{_a(left)} is to the left of {_a(right)}"
            if list(shown).count(left) == list(shown).count(right) == 1:
                yield f"the {NAMES[max(left, right)]} is larger than the {NAMES[min(left, right)]}"


def _a(digit: int) -> str:
    return f"{'an' if NAMES[digit] == 'eight' else 'a'} {NAMES[digit]}"


def _parity(digit: int) -> str:
    return "odd" if digit % 2 else "even"


def _not_shown(shown: Sequence[int]) -> ValueError:
    return ValueError(f"shown must be one to {NAMES[CELLS]} digits from 0 to 9, got {brief(shown)}")


def _drawn(
    images: NDArray[np.float64], labels: NDArray[np.int64], pictures: int, captions: int, draws: np.random.RandomState
) -> tuple[NDArray[np.float64], list[list[str]], list[tuple[int, ...]]]:
    """Pictures composed of the images, sentences about each, and the digits shown."""
    counts = np.asarray(COUNTS)[draws.randint(len(COUNTS), size=pictures)]
    chosen = draws.randint(len(images), size=(pictures, CELLS))
    inked = np.arange(CELLS) < counts[:, None]
    cells = images[chosen] * inked[:, :, None, None, None]
    canvas = cells.swapaxes(1, 2).reshape(pictures, images.shape[1], CELLS * images.shape[2], 1)
    shown = [tuple(row[:count].tolist()) for row, count in zip(labels[chosen], counts, strict=True)]
    drawn = []
    for sentences in map(sentences_about, shown):
        drawn.append([sentences[i] for i in draws.permutation(len(sentences))[:captions]])
    return canvas, drawn, shown
