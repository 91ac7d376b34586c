"""Pictures of a batch, changed at random by the seed and the batch's position alone."""

import re

import numpy as np
import pytest

from portnn.backends import tree_map
from portnn.batches import Augmentation, ImageTable, RowBatches
from portnn.checking import frozen
from portnn.models import RowBatch


@pytest.fixture
def images(rng):
    """Pictures whose pixels all differ, none of them 0."""
    return rng.permutation(np.arange(1.0, 30 * 5 * 6 * 2 + 1)).reshape(30, 5, 6, 2)


def changed(images, on, seed=0, **settings):
    given = frozen(on.asarray(images))
    return on.to_host(Augmentation(**settings).apply(given, np.random.default_rng(seed), on))


def moved(image, down, right):
    """A picture moved by hand."""
    framed = np.pad(image, ((3, 3), (3, 3), (0, 0)))
    return framed[3 - down : 8 - down, 3 - right : 9 - right]


def test_shifts_move_whole_pictures_and_bring_in_zeros(backend, images):
    found, moves = changed(images, backend, shift=2), []
    for before, after in zip(images, found, strict=True):
        fits = [
            (down, right)
            for down in range(-3, 4)
            for right in range(-3, 4)
            if np.array_equal(after, moved(before, down, right))
        ]
        assert len(fits) == 1
        moves += fits
    assert {down for down, _ in moves} == {right for _, right in moves} == {-2, -1, 0, 1, 2}
    assert len(set(moves)) > 10


def test_flips_mirror_about_half_of_the_pictures_left_to_right(backend, images):
    found = changed(images, backend, flip=True)
    mirrored = [np.array_equal(after, before[:, ::-1]) for before, after in zip(images, found, strict=True)]
    kept = [np.array_equal(after, before) for before, after in zip(images, found, strict=True)]
    assert np.array_equal(mirrored, np.logical_not(kept))
    assert 8 <= sum(mirrored) <= 22


@pytest.mark.host
def test_both_are_a_mirrored_picture_that_is_moved(backend, images):
    found = changed(images, backend, shift=1, flip=True)
    for before, after in zip(images, found, strict=True):
        forms = (before, before[:, ::-1])
        places = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        assert any(np.array_equal(after, moved(form, *place)) for form in forms for place in places)


@pytest.mark.host
def test_noise_is_normal_and_new_for_every_pixel(backend, images):
    noise = changed(images, backend, noise=0.5) - images
    assert abs(noise.std() - 0.5) < 0.03
    assert abs(noise.mean()) < 0.05
    assert len(np.unique(noise)) > 1700


@pytest.mark.parametrize("settings", [{"shift": 2}, {"flip": True}, {"noise": 0.3}, {"shift": 1, "flip": True}])
def test_every_library_changes_pictures_alike(backend, backend32, images, settings):
    right = changed(images, type(backend)("numpy", np, None, "float64"), **settings)
    assert np.array_equal(changed(images, backend, **settings), right)
    assert changed(images, backend32, **settings).dtype == np.float32
    assert not np.array_equal(changed(images, backend, seed=1, **settings), right)


def test_batches_depend_on_the_seed_and_their_position_alone(backend, images):
    """And labels stay those of their pictures; a picture is changed anew in each epoch."""
    settings = {"batch_size": 7, "augmentation": Augmentation(shift=1, flip=True, noise=0.1)}
    labels = np.arange(30)
    table = RowBatch(ImageTable(frozen(images), backend), backend.asarray(labels))
    placed = RowBatch(*tree_map(backend.asarray, (images, labels)))

    def batches(rows, positions, seed=3, **changes):
        source = RowBatches(rows, backend, seed=seed, **{**settings, **changes})
        return {place: tree_map(backend.to_host, source.at(place).data) for place in positions}

    right = batches(placed, range(10))
    for other in (batches(placed, [9, 3, 0, 6]), batches(table, range(9, -1, -1))):
        for place, data in other.items():
            assert data.x.tobytes() == right[place].x.tobytes()
            assert np.array_equal(data.targets, right[place].targets)
    plain = batches(placed, range(10), augmentation=Augmentation())
    for place in range(10):
        assert np.array_equal(plain[place].targets, right[place].targets)
        assert np.array_equal(plain[place].x, images[plain[place].targets])
        assert not np.array_equal(plain[place].x, right[place].x)
    assert not np.array_equal(batches(placed, [0], seed=4)[0].x, right[0].x)
    whole = [batches(table, [k], batch_size=None, shuffle=False)[k].x for k in range(2)]
    assert not np.array_equal(*whole)


@pytest.mark.host
def test_no_change_is_none(backend, images):
    assert np.array_equal(changed(images, backend), images)
    assert RowBatches(RowBatch(images, np.arange(30)), backend, augmentation=Augmentation()).augmentation is None


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shift": -1}, "shift must be 0 or a positive whole number, got -1"),
        ({"shift": 0.5}, "shift must be 0 or a positive whole number, got 0.5"),
        ({"noise": -0.1}, "noise must be 0 or a positive number, got -0.1"),
    ],
)
def test_settings_that_change_nothing_sensible(settings, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Augmentation(**settings)
