"""Pictures of a folder: which files they are, and what their subfolders say about their classes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import numpy as np

from portnn.images.messages import in_pixels, listed
from portnn.images.pictures import SUFFIXES, form_of, pixels_of
from portnn.images.read_images import Host, ReadImages
from portnn.images.wanted import Wanted
from portnn.settings import brief
from portnn.text.array_store import ArrayStore
from portnn.text.corpus import MEMORY_LIMIT


def read_folder(folder: str, wanted: Wanted, cache_dir: str | os.PathLike[str] | None) -> ReadImages:
    """Pictures of a folder, sorted by name; the name of the subfolder that one is in is its label.

    Raises
    ------
    OSError
        If it cannot be read, or the cache folder is not writable.
    ValueError
        If it holds no pictures, or both loose ones and subfolders of them; a subfolder has none; see also
        `read_pictures`.
    """
    wanted.check_no_arrays(folder)
    loose, classes = pictures_in(folder)
    full = {name: pictures for name, pictures in classes.items() if pictures}
    if not loose and not full:
        raise ValueError(f"{folder} holds no images; expected files {', '.join(SUFFIXES)}")
    if loose and full:
        inside = next(iter(full.values()))[0]
        raise ValueError(
            f"{folder} holds images of its own, such as {brief(loose[0])}, beside subfolders of them, such as "
            f"{brief(inside)}; expected a subfolder for each class, or no subfolders"
        )
    if loose:
        return read_pictures(folder, loose, None, wanted, cache_dir)
    empty = [name for name in classes if name not in full]
    if empty:
        raise ValueError(f"{folder} has subfolders without images: {listed(empty)}; expected some for each class")
    labels = np.repeat(np.asarray(list(full)), [len(pictures) for pictures in full.values()])
    labels.flags.writeable = False
    return read_pictures(folder, [name for pictures in full.values() for name in pictures], labels, wanted, cache_dir)


def read_pictures(
    folder: str,
    names: list[str],
    labels: Host | None,
    wanted: Wanted,
    cache_dir: str | os.PathLike[str] | None,
) -> ReadImages:
    """Files of a folder as images of one size, one at a time.

    Raises
    ------
    ModuleNotFoundError
        If Pillow is not installed.
    OSError
        If a file cannot be read, or the cache folder is not writable.
    ValueError
        If a file is damaged, or has another size than the first and none is wanted.
    """
    if wanted.channels not in (None, 1, 3):
        raise ValueError(f"{folder}: pictures have 1 or 3 channels, but channels is {wanted.channels}")
    paths = [os.path.join(folder, *name.split("/")) for name in names]
    size, channels = (wanted.size, wanted.channels) if wanted.size and wanted.channels else _common_form(paths, wanted)
    store = ArrayStore(np.dtype(np.uint8), MEMORY_LIMIT, cache_dir)
    for path in paths:
        pixels = pixels_of(path, wanted.size, channels)
        if pixels.shape[:2] != size:  # what turns a picture upright may come behind its pixels
            _refuse(path, pixels.shape[:2], paths[0], size)
        store.append(pixels.reshape(-1))
    images = np.asarray(store.whole()).reshape(len(paths), *size, channels)
    return ReadImages(images, labels, names, wanted.layout(size, channels))


def pictures_in(folder: str) -> tuple[list[str], dict[str, list[str]]]:
    """Visible pictures in a folder, and in its subfolders by name: sorted, with slashes in their names.

    Raises
    ------
    OSError
        If a folder cannot be read.
    """
    entries = sorted((entry for entry in os.scandir(folder) if _visible(entry.name)), key=lambda entry: entry.name)
    loose = [entry.name for entry in entries if entry.is_file() and _is_picture(entry.name)]
    inside = {
        entry.name: sorted((f"{entry.name}/{name}" for name in _below(entry.path)), key=lambda name: name.split("/"))
        for entry in entries
        if entry.is_dir()
    }
    return loose, inside


def _below(folder: str) -> Iterator[str]:
    """Visible pictures in a folder and in those inside it, relative to it."""
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = filter(_visible, folders)
        for name in files:
            if _visible(name) and _is_picture(name):
                yield os.path.relpath(os.path.join(parent, name), folder).replace(os.sep, "/")


def _common_form(paths: list[str], wanted: Wanted) -> tuple[tuple[int, int], int]:
    """Size and channels of all pictures, from their headers: one channel if all are grey, else three."""
    first = form_of(paths[0])
    grey = first.grey
    for path in paths[1:]:
        form = form_of(path)
        grey = grey and form.grey
        if wanted.size is None and form.size != first.size:
            _refuse(path, form.size, paths[0], first.size)
    return wanted.size or first.size, wanted.channels or (1 if grey else 3)


def _refuse(path: str, size: tuple[int, int], first: str, expected: tuple[int, int]) -> NoReturn:
    raise ValueError(
        f"{path} is {in_pixels(size)}, but {first} is {in_pixels(expected)}; size=(height, width) resizes them"
    )


def _visible(name: str) -> bool:
    return not name.startswith(".")


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _raise(error: OSError) -> NoReturn:
    raise error
