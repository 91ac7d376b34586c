"""Files of NumPy's that hold images and labels: .npz archives and single .npy arrays."""

from __future__ import annotations

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from portnn.images.checked_arrays import axes_of, check_image_array, check_label_array, decoded_labels
from portnn.images.messages import listed
from portnn.images.npy import Check, Host, copy_array, map_array, read_header
from portnn.images.read_images import ReadImages
from portnn.images.row_names import RowNames
from portnn.images.wanted import Wanted
from portnn.settings import brief

IMAGES, LABELS = "images", "labels"
"""Names of the arrays that are taken unless others are stated."""

CacheDir = str | os.PathLike[str] | None

_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, struct.error)
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of the name and of the extra field behind it


def read_npy(path: str, wanted: Wanted, cache_dir: CacheDir) -> ReadImages:
    """Images of an .npy file, which has no labels.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file or holds no images.
    """
    wanted.check_no_arrays(path)
    with open(path, "rb") as file:
        header = read_header(file, path, os.fstat(file.fileno()).st_size, check_image_array(path, wanted))
        array = map_array(path, header, 0) if header.dtype.isnative else copy_array(file, header, path, cache_dir)
    images = axes_of(array, wanted)
    layout = wanted.layout(images.shape[1:3], images.shape[3])
    return ReadImages(images, None, RowNames(range(len(images))), layout)


def read_npz(path: str, wanted: Wanted, cache_dir: CacheDir) -> ReadImages:
    """Images and labels of an .npz file.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file, is damaged, or lacks the arrays.
    """
    with open(path, "rb") as file:
        try:
            archive = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise ValueError(f"{path} is not an .npz file, or is damaged: {error}") from error
        with archive:
            members = {
                info.filename.removesuffix(".npy"): info
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
            image_name, label_name = chosen(path, list(members), wanted)
            what = f"{path}: {image_name}"
            array = _read(path, file, archive, members[image_name], what, check_image_array(what, wanted), cache_dir)
            images, labels = axes_of(array, wanted), None
            if label_name is not None:
                what = f"{path}: {label_name}"
                check = check_label_array(what, len(images))
                labels = _read(path, file, archive, members[label_name], what, check, cache_dir)
                labels = decoded_labels(labels.reshape(-1), what)
    layout = wanted.layout(images.shape[1:3], images.shape[3], images=image_name, labels=label_name)
    return ReadImages(images, labels, RowNames(range(len(images))), layout)


def chosen(path: str, names: list[str], wanted: Wanted) -> tuple[str, str | None]:
    """Which arrays hold images and labels: those stated, else those of the file before, else the usual or only ones.

    Raises
    ------
    ValueError
        If a stated array is missing, or none stands out as that of the images.
    """
    for stated in (wanted.images, wanted.labels):
        if stated is not None and stated not in names:
            raise ValueError(f"{path} has no array {brief(stated)}; it has {listed(names) or 'none'}")
    before = wanted.before
    labels = wanted.labels or next(
        (name for name in (before and before.labels, LABELS) if name in names and name != wanted.images), None
    )
    others = [name for name in names if name != labels]
    usual = next((name for name in (wanted.images, before and before.images, IMAGES) if name in others), None)
    if usual is None and len(others) != 1:
        raise ValueError(
            f"{path} has no array {brief(before.images if before and before.images else IMAGES)}; "
            f"it has {listed(names) or 'none'}; say with images and labels which arrays are to be read"
        )
    return usual or others[0], labels


def _read(
    path: str,
    file: IO[bytes],
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    what: str,
    check: Check,
    cache_dir: CacheDir,
) -> Host:
    """One array of an archive: mapped if it is stored as it is, else copied."""
    with _naming_damage(what), archive.open(member) as stream:
        header = read_header(stream, what, member.file_size, check)
        if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1 and header.dtype.isnative:
            return map_array(path, header, _begin(file, member))
        return copy_array(stream, header, what, cache_dir)


def _begin(file: IO[bytes], member: zipfile.ZipInfo) -> int:
    """Where the data of a member begins: behind a header of its own, whose length the archive's index does not tell."""
    file.seek(member.header_offset)
    _, name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    return member.header_offset + _LOCAL_HEADER.size + int(name) + int(extra)


@contextmanager
def _naming_damage(what: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(f"{what} is damaged: {error}") from error
