"""Images and labels in files of NumPy's: .npz archives and single .npy arrays."""

from __future__ import annotations

from collections.abc import Sequence

from portnn.images.array_names import IMAGES, LABELS, check_there, usual_or_only
from portnn.images.checked_arrays import axes_of, check_image_array, check_label_array, decoded_labels
from portnn.images.npy import CacheDir, read_array
from portnn.images.npz import open_archive
from portnn.images.read_images import ReadImages
from portnn.images.row_names import RowNames
from portnn.images.wanted import Wanted


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
    images = axes_of(read_array(path, check_image_array(path, wanted), cache_dir), wanted)
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
    with open_archive(path) as archive:
        image_name, label_name = chosen(path, archive.names, wanted)
        check = check_image_array(archive.what(image_name), wanted)
        images, labels = axes_of(archive.read(image_name, check, cache_dir), wanted), None
        if label_name is not None:
            what = archive.what(label_name)
            labels = archive.read(label_name, check_label_array(what, len(images)), cache_dir)
            labels = decoded_labels(labels.reshape(-1), what)
    layout = wanted.layout(images.shape[1:3], images.shape[3], images=image_name, labels=label_name)
    return ReadImages(images, labels, RowNames(range(len(images))), layout)


def chosen(path: str, names: Sequence[str], wanted: Wanted) -> tuple[str, str | None]:
    """Which arrays hold images and labels: those stated, else those of the file before, else the usual or only ones.

    Raises
    ------
    ValueError
        If a stated array is missing, or none stands out as that of the images.
    """
    for stated in (wanted.images, wanted.labels):
        check_there(path, stated, names)
    before = wanted.before
    labels = wanted.labels or next(
        (name for name in (before and before.labels, LABELS) if name in names and name != wanted.images), None
    )
    if wanted.images and wanted.images != labels:
        return wanted.images, labels
    usual = [name for name in (before and before.images, IMAGES) if name]
    hint = "say with images and labels which arrays are to be read"
    return usual_or_only(path, names, usual, labels, hint), labels
