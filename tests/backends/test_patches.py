"""Patches of pictures: each library's way against the generic body, and there and back again."""

import math

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose

from portnn.backends import Window, add_patches, device, image_blocks, padded, patches, windows
from portnn.backends.libraries.cupy import CuPy
from portnn.backends.libraries.primitives import Primitives

SIZE = (5, 6)

WINDOWS = [
    Window((1, 1)),
    Window((3, 2)),
    Window(SIZE),  # as large as the picture
    Window((2, 2), (2, 2)),  # side by side
    Window((2, 3), (3, 4)),  # with gaps, and pixels left over
    Window((3, 3), (2, 1), ((1, 1), (2, 2))),
    Window((2, 2), (2, 2), ((1, 0), (0, 3))),  # side by side, on uneven padding
    Window((2, 3), (1, 1), ((0, 0), (0, 0)), (3, 2)),
    Window((2, 2), (2, 2), ((1, 1), (0, 1)), (3, 1)),  # interlaced: no pixel shared, but spans overlap
    Window((1, 1), (2, 3), ((3, 3), (0, 0))),  # places with nothing but padding
    Window((3, 1), (1, 5), ((2, 1), (1, 0)), (2, 4)),
]

each = pytest.mark.parametrize("window", WINDOWS, ids=lambda window: "-".join(map(str, window)).replace(" ", ""))


@pytest.fixture
def x(rng):
    return rng.normal(size=(2, *SIZE, 3))


def seen(x, window, value=0.0):
    """Patches of pictures that are not padded yet, by NumPy's own view of windows."""
    framed = np.pad(x, ((0, 0), *window.padding, (0, 0)), constant_values=value)
    (down, across), (rows, columns) = window.stride, window.dilation
    view = sliding_window_view(framed, window.span, axis=(1, 2))[:, ::down, ::across, :, ::rows, ::columns]
    return np.moveaxis(view, 3, -1).reshape(*view.shape[:3], window.positions * x.shape[3])


def by_position(d, window):
    """Patches cut into a list, one array for each position of the window."""
    return np.split(d, window.positions, axis=-1)


@each
@pytest.mark.parametrize("value", [0.0, -math.inf])
def test_a_patch_is_what_the_window_sees(backend, place, x, window, value):
    framed = padded(place(x), window, value, xp=backend.xp)
    right = seen(x, window, value)
    assert right.shape[1:3] == window.places(*window.padded(*SIZE))
    assert np.array_equal(backend.to_host(patches(framed, window, xp=backend.xp)), right)
    for one, its in zip(windows(framed, window), by_position(right, window), strict=True):
        assert np.array_equal(backend.to_host(one), its)


@each
def test_adding_up_is_the_adjoint_of_gathering(backend, rng, x, window):
    xp = backend.xp
    d = rng.normal(size=(2, *window.places(*window.padded(*SIZE)), window.positions * 3))

    def both(x, pieces):
        return patches(padded(x, window, xp=xp), window, xp=xp), add_patches(iter(pieces), SIZE, window, xp=xp)

    there, back = backend.compile(both)(backend.asarray(x), [backend.asarray(p) for p in by_position(d, window)])
    assert tuple(back.shape) == x.shape
    assert_allclose(np.vdot(backend.to_host(there), d), np.vdot(x, backend.to_host(back)), rtol=1e-12, atol=1e-12)


@each
def test_every_way_gives_the_same_as_the_generic_body(backend, place, rng, x, window):
    xp, generic = backend.xp, Primitives()
    framed = generic.padded(x, window, 0.5, xp=np)
    gathered = generic.patches(framed, window, xp=np)
    pieces = by_position(rng.normal(size=gathered.shape), window)

    def all_three(x, framed, pieces):
        back = add_patches(pieces, SIZE, window, xp=xp)
        return padded(x, window, 0.5, xp=xp), patches(framed, window, xp=xp), back

    results = map(backend.to_host, backend.compile(all_three)(place(x), place(framed), [place(p) for p in pieces]))
    for ours, its in zip(results, (framed, gathered, generic.add_patches(pieces, SIZE, window, xp=np)), strict=True):
        assert_allclose(ours, its, rtol=1e-13, atol=1e-14)


@pytest.mark.host
@each
def test_cupys_way_gives_the_same_on_numpy(x, window):
    framed = padded(x, window, xp=np)
    assert np.array_equal(CuPy().patches(framed, window, xp=np), Primitives().patches(framed, window, xp=np))


@pytest.mark.parametrize("window", [WINDOWS[1], WINDOWS[7]], ids=["dense", "dilated"])
def test_pictures_need_not_be_contiguous(backend, place, rng, window):
    host = rng.normal(size=(3, 13, 12, 7))
    xp, placed = backend.xp, place(host)
    for key in (np.s_[1:, ::2, 1:, :], np.s_[:, 2:, ::2, 1:4], np.s_[:, :, :, ::3], np.s_[:, :, :, 2:3]):
        gathered = backend.to_host(patches(placed[key], window, xp=xp))
        assert np.array_equal(gathered, seen(host[key], window))
    gathered = backend.to_host(patches(xp.flip(xp.permute_dims(placed, (0, 3, 2, 1)), axis=2), window, xp=xp))
    assert np.array_equal(gathered, seen(host.transpose(0, 3, 2, 1)[:, :, ::-1], window))


few = pytest.mark.parametrize(
    "window", [WINDOWS[3], WINDOWS[5], WINDOWS[6]], ids=["side by side", "overlapping", "on padding"]
)


@few
def test_float32_stays_float32(backend32, x, window):
    xp = backend32.xp
    framed = padded(backend32.asarray(x), window, xp=xp)
    gathered = patches(framed, window, xp=xp)
    result = add_patches(list(windows(framed, window)), SIZE, window, xp=xp)
    assert {backend32.to_host(array).dtype.name for array in (framed, gathered, result)} == {"float32"}
    assert_allclose(backend32.to_host(gathered), seen(x, window), rtol=1e-6)


@few
def test_arguments_are_not_written_into_and_results_stay_on_their_device(backend, place, x, window):
    xp, placed, host = backend.xp, place(x), by_position(seen(x, window), window)
    framed, pieces = padded(placed, window, xp=xp), [place(piece) for piece in host]
    results = framed, patches(framed, window, xp=xp), add_patches(pieces, SIZE, window, xp=xp)
    assert all(backend.device is None or device(result) == backend.device for result in results)
    assert np.array_equal(backend.to_host(placed), x)
    assert all(np.array_equal(backend.to_host(piece), its) for piece, its in zip(pieces, host, strict=True))


def test_without_padding_a_picture_is_its_own_frame(backend, place, x):
    placed = place(x)
    assert padded(placed, WINDOWS[1], xp=backend.xp) is placed


@each
def test_an_empty_batch_has_no_patches(backend, place, window):
    xp, places = backend.xp, window.places(*window.padded(*SIZE))
    gathered = patches(padded(place(np.zeros((0, *SIZE, 3))), window, xp=xp), window, xp=xp)
    assert tuple(gathered.shape) == (0, *places, window.positions * 3)
    pieces = [place(np.zeros((0, *places, 3)))] * window.positions
    assert tuple(add_patches(pieces, SIZE, window, xp=xp).shape) == (0, *SIZE, 3)


def test_windows_overlap_if_their_spans_are_wider_than_a_step():
    assert [window.overlaps for window in WINDOWS] == [0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1]


@pytest.mark.parametrize(
    ("count", "entries", "expected"),
    [(7, 10, [7]), (7, 30, [2, 2, 3]), (4, 50, [2, 2]), (3, 101, [1, 1, 1]), (0, 10, [0]), (5, 0, [5])],
)
def test_blocks_are_as_few_and_as_even_as_their_bound_lets_them(backend, monkeypatch, count, entries, expected):
    monkeypatch.setattr(backend.library, "patch_entries", 100)
    blocks = list(image_blocks(count, entries, xp=backend.xp))
    assert [stop - start for start, stop in blocks] == expected
    assert [0, *(stop for _, stop in blocks)] == [*(start for start, _ in blocks), count]
