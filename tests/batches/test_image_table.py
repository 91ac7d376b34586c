"""Pictures on the host: scaled a batch at a time, never written into, and read only where they are asked for."""

import dataclasses
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.batches import ImageTable
from portnn.checking import frozen
from portnn.images.placing import channel_scaling, is_whole, place_images
from portnn.tables import Scaling


class Counted(np.ndarray):
    """Pixels that count how many pictures are taken from them."""

    taken = 0

    def __getitem__(self, where):
        found = super().__getitem__(where)
        type(self).taken += len(found) if isinstance(found, np.ndarray) and found.ndim == 4 else 0
        return found.view(np.ndarray)


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (7, 3, 4, 2), dtype=np.uint8)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "f4", "f8", "f2", "?"])
def test_whole_numbers_are_divided_by_255_and_others_left_alone(backend, backend32, pixels, dtype):
    given = (pixels > 99 if dtype == "?" else pixels).astype(dtype)
    before = frozen(given.copy())
    for each in (backend, backend32):
        table = ImageTable(before, each)
        found = each.to_host(table[2:5, ...])
        assert found.dtype == each.dtype
        right = before[2:5].astype(np.float64) / (255.0 if dtype[0] in "ui" else 1.0)
        assert_allclose(found, right, rtol=2e-7 if each.dtype == "float32" else 1e-15)
    assert np.array_equal(before, given)
    assert table.shape == (7, 3, 4, 2)


@pytest.mark.host
@pytest.mark.parametrize("scaling", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_arrays_of_the_user_are_never_written_into(backend, backend32, pixels, dtype, scaling):
    """Neither by the table nor by writing into what it returns, except for pixels that are taken as they are."""
    for each in (backend, backend32):
        given = pixels.astype(dtype)
        right = given.copy()
        numbers = (np.ones(2), np.full(2, 3.0)) if scaling else (None, None)
        table = ImageTable(given, each, None, *numbers)
        found = [table.on_host(slice(1, 4)), table.take(np.asarray([0, 6])).on_host(slice(0, 2)), *table.blocks()]
        assert np.array_equal(given, right)
        for array in found:
            assert not np.shares_memory(array, given) or (not scaling and array.dtype == given.dtype)


@pytest.mark.host
def test_taking_pictures_reads_none(pixels, backend):
    Counted.taken = 0
    table = ImageTable(pixels.view(Counted), backend)
    some = table.take(np.asarray([6, 1, 1, 3])).take(np.asarray([3, 0, 1]))
    assert (Counted.taken, some.shape) == (0, (3, 3, 4, 2))
    assert np.array_equal(some[1:3, ...], pixels[[6, 1]] * (1.0 / 255.0))
    assert Counted.taken == 2
    assert np.array_equal(table[5:9, ...], pixels[5:] * (1.0 / 255.0))
    assert Counted.taken == 4


@pytest.mark.host
def test_blocks_are_all_pictures_some_at_a_time(pixels, backend, monkeypatch):
    table = ImageTable(pixels, backend)
    monkeypatch.setattr("portnn.batches.image_table.PIECE", 50)
    blocks = list(table.take(np.arange(7)[::-1]).blocks())
    assert [len(block) for block in blocks] == [2, 2, 2, 1]
    assert np.array_equal(np.concatenate(blocks), pixels[::-1] * (1.0 / 255.0))
    assert [piece.tobytes() for piece in table.pieces()] == [block.tobytes() for block in table.blocks()]


def test_channels_are_scaled_alike_on_the_host_and_on_every_library(backend, pixels, monkeypatch):
    """A channel that never changes is only shifted."""
    monkeypatch.setattr("portnn.batches.image_table.PIECE", 50)
    images = np.concatenate((pixels / 255.0, np.full((7, 3, 4, 1), 0.3)), axis=3)
    right = Scaling(images.mean(axis=(0, 1, 2)), images.std(axis=(0, 1, 2)))
    right.deviation[2] = 1.0
    for given in (images, backend.asarray(images)):
        found = channel_scaling(place_images(given, backend), backend)
        assert_allclose(found.mean, right.mean, rtol=1e-12)
        assert_allclose(found.deviation, right.deviation, rtol=1e-12)
        scaled = place_images(given, backend, scaling=found)[1:5, ...]
        assert_allclose(backend.to_host(scaled), (images[1:5] - right.mean) / right.deviation, rtol=1e-9, atol=1e-12)
    bytes_of = channel_scaling(place_images(pixels, dataclasses.replace(backend, dtype="float32")), backend)
    assert_allclose(bytes_of.mean, right.mean[:2], rtol=1e-12)  # float64, though batches are float32


def test_images_of_the_library_are_placed_as_those_of_the_host(backend, pixels):
    for given in (pixels, pixels / 255.0):
        placed = backend.asarray(given) if given.dtype != np.uint8 else backend.xp.asarray(given, device=backend.device)
        assert is_whole(placed) == is_whole(given) == (given.dtype == np.uint8)
        for first in (False, True):
            there = place_images(placed, backend, channels_first=first)[:, ...]
            here = place_images(given, backend, channels_first=first)[:, ...]
            assert there.shape == ((7, 4, 2, 3) if first else (7, 3, 4, 2))
            assert_allclose(backend.to_host(there), backend.to_host(here), rtol=1e-15)


WRONG = {
    "two axes": (np.zeros((3, 4)), {}, "images have shape (3, 4), expected (images, height, width) or (images, height, "
        "width, channels); images[None, ...] makes a batch of one image"),
    "five axes": (np.zeros((1,) * 5), {"channels_first": True}, "images have shape (1, 1, 1, 1, 1), expected (images, "
        "height, width) or (images, channels, height, width)"),
    "none": (np.zeros((0, 3, 4)), {}, "images have shape (0, 3, 4, 1): there is nothing to see"),
    "no channels": (np.zeros((1, 3, 4, 0)), {}, "images have shape (1, 3, 4, 0): there is nothing to see"),
    "channels": (np.zeros((1, 3, 4, 3)), {"shape": (3, 4, 1)}, "images have 3 x 4 pixels and 3 channels, but the model "
        "expects 3 x 4 pixels and 1 channel"),
    "channels first": (np.zeros((1, 2, 3, 4)), {"shape": (3, 4, 2)}, "images have 2 x 3 pixels and 4 channels, but the "
        "model expects 3 x 4 pixels and 2 channels; channels_first=True says that channels come before height and "
        "width"),
    "dark": (np.full((1, 3, 4), -7), {}, "images hold whole numbers from -7 to -7, expected 0 to 255; make them "
        "floating to leave them as they are"),
    "bright": (np.asarray([[[0, 256]]]), {}, "images hold whole numbers from 0 to 256, expected 0 to 255; make them "
        "floating to leave them as they are"),
    "NaN": (np.where(np.arange(24).reshape(2, 3, 4) == 18, np.nan, 0.0), {}, "image 1 has a pixel that is NaN or "
        "infinite, at row 1, column 2"),
    "infinite": (np.where(np.arange(24).reshape(2, 3, 4) == 7, -np.inf, 0.0), {}, "image 0 has a pixel that is NaN or "
        "infinite, at row 1, column 3"),
}  # fmt: skip


@pytest.mark.parametrize(("images", "options", "message"), WRONG.values(), ids=WRONG)
def test_what_is_no_image_is_refused_wherever_it_is(backend, images, options, message):
    whole = images.dtype.kind == "i"
    placed = backend.xp.asarray(images, device=backend.device) if whole else backend.asarray(images)
    for given in (images, placed):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            place_images(given, backend, **options)


@pytest.mark.host
def test_images_of_another_library_are_refused(backend):
    import array_api_strict

    message = "the images belong to array-api-strict, but the model to numpy; `to` moves a fitted model"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        place_images(array_api_strict.zeros((1, 2, 2)), backend)
