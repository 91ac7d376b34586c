"""Handwritten digits: what the source says of them, and how they are split."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from portnn.datasets import Digits, digits

pytestmark = pytest.mark.host


def rows(images: np.ndarray) -> list[bytes]:
    """One value for each image, so that images can be counted and compared."""
    return [image.tobytes() for image in images]


def labelled(data: Digits) -> list[tuple[bytes, int]]:
    images = rows(np.concatenate([data.images, data.test_images]))
    return list(zip(images, np.concatenate([data.labels, data.test_labels]).tolist(), strict=True))


def same(one: Digits, other: Digits) -> bool:
    return all(map(np.array_equal, one, other))


def test_images_are_ink_from_0_to_1_and_labels_are_digits() -> None:
    data = digits()
    for images, labels in ((data.images, data.labels), (data.test_images, data.test_labels)):
        assert images.shape == (len(labels), 8, 8, 1)
        assert images.dtype == np.float64
        assert labels.dtype == np.int64
        assert (images.min(), images.max()) == (0.0, 1.0)
        assert set(labels.tolist()) == set(range(10))


@pytest.mark.parametrize(("test", "seed"), [(0.0, 0), (0.2, 0), (0.2, 7), (0.5, 1), (0.99999, 0)])
def test_every_image_of_the_source_is_in_one_part_with_its_label(test: float, seed: int) -> None:
    source = load_digits()
    expected = zip(rows(source.images / 16), source.target.tolist(), strict=True)
    assert sorted(labelled(digits(test=test, seed=seed))) == sorted(expected)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("test", [0.1, 0.2, 0.5])
def test_the_same_share_of_every_digit_is_held_out(test: float, seed: int) -> None:
    data = digits(test=test, seed=seed)
    kept, held_out = (np.bincount(labels, minlength=10) for labels in (data.labels, data.test_labels))
    assert held_out == pytest.approx(test * (kept + held_out), abs=0.5)


def test_no_image_is_in_both_parts() -> None:
    data = digits()
    assert not set(rows(data.images)) & set(rows(data.test_images))


def test_nothing_or_almost_everything_may_be_held_out() -> None:
    data = digits(test=0.0)
    assert data.images.shape == (1797, 8, 8, 1)
    assert data.test_images.shape == (0, 8, 8, 1)
    assert data.test_labels.shape == (0,)
    assert sorted(digits(test=0.99999).labels.tolist()) == list(range(10))


def test_a_seed_gives_its_split_and_none_gives_new_ones() -> None:
    assert same(digits(seed=4), digits(seed=4))
    assert not same(digits(seed=4), digits(seed=5))
    assert not same(digits(seed=4), digits(seed=None))


def test_the_default_split_stays_that_of_earlier_versions() -> None:
    data = digits()
    assert data.test_labels[:12].tolist() == [3, 7, 3, 9, 0, 8, 7, 0, 8, 0, 3, 3]
    assert data.test_images[:3].sum(axis=(1, 2, 3)).tolist() == [16.6875, 18.125, 20.0625]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"test": 1.0}, ValueError, r"test must be in \[0, 1\), got 1.0"),
        ({"test": -0.1}, ValueError, r"test must be in \[0, 1\), got -0.1"),
        ({"test": "some"}, TypeError, "test"),
        ({"seed": -1}, ValueError, "seed must be 0 or a positive whole number, got -1"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message) -> None:
    with pytest.raises(error, match=message):
        digits(**arguments)


def test_without_scikit_learn_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r'needs scikit-learn; .* "portnn\[sklearn\]"'):
        digits()
