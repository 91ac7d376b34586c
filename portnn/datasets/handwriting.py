"""Handwritten digits that come with scikit-learn, split into a part to train on and one to test with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from portnn.backends import seed_of
from portnn.settings import checked_number, fraction

INKS = 16
"""Darkest value of a pixel in the source."""


class Digits(NamedTuple):
    """Pictures of digits and what they show.

    Parameters
    ----------
    images : ndarray of float64, shape (n_images, 8, 8, 1)
        0 where the paper is blank, up to 1 where it is all ink.
    labels : ndarray of int64, shape (n_images,)
        The digits, 0 to 9.
    test_images : ndarray of float64, shape (n_test_images, 8, 8, 1)
    test_labels : ndarray of int64, shape (n_test_images,)
    """

    images: NDArray[np.float64]
    labels: NDArray[np.int64]
    test_images: NDArray[np.float64]
    test_labels: NDArray[np.int64]


def digits(*, test: float = 0.2, seed: int | None = 0) -> Digits:
    """1,797 handwritten digits, each a picture of 8 x 8 pixels.

    Parameters
    ----------
    test : float
        Share of every digit's pictures that is held out, in [0, 1); 0 holds none out.
    seed : int, optional
        A seed holds out the same pictures with every version of NumPy and scikit-learn; None holds out new ones.

    Returns
    -------
    Digits
        Both parts in the order of the source, where digits are well mixed.

    Raises
    ------
    ModuleNotFoundError
        If scikit-learn is not installed.
    TypeError
        If `test` or `seed` is not a number.
    ValueError
        If `test` is not in [0, 1), or `seed` is negative.

    References
    ----------
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C50P49; their test part, which is scikit-learn's `load_digits`.

    Examples
    --------
    >>> from portnn.datasets import digits
    >>> images, labels, test_images, test_labels = digits()
    >>> images.shape, test_images.shape
    ((1438, 8, 8, 1), (359, 8, 8, 1))
    >>> labels[:10].tolist()
    [0, 1, 2, 4, 5, 6, 8, 9, 0, 1]
    """
    test = checked_number("test", test, float, fraction)
    draws = np.random.RandomState(seed_of(seed))  # NumPy guarantees that this stream never changes
    images, labels = _source()
    held_out = np.zeros(len(labels), bool)
    for digit in range(10):
        of_digit = draws.permutation(np.flatnonzero(labels == digit))
        count = min(round(test * len(of_digit)), len(of_digit) - 1)  # one at least is left to train on
        held_out[of_digit[:count]] = True
    return Digits(images[~held_out], labels[~held_out], images[held_out], labels[held_out])


def _source() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'portnn.datasets.digits needs scikit-learn; python -m pip install "portnn[sklearn]"', name=error.name
        ) from None
    source = load_digits()
    return np.asarray(source.images, np.float64)[..., None] / INKS, np.asarray(source.target, np.int64)
