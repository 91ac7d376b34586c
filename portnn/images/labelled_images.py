"""`LabelledImages`: images and their labels from files."""

from __future__ import annotations

import os

from portnn.images.array_files import read_npy, read_npz
from portnn.images.layout import ImageLayout
from portnn.images.paths import path_of, suffix_of, unknown_suffix
from portnn.images.picture_folder import read_folder, read_pictures
from portnn.images.pictures import SUFFIXES
from portnn.images.read_images import ReadImages
from portnn.images.wanted import Wanted
from portnn.settings import brief


class LabelledImages:
    """Images of one size, and their labels.

    A source is one of these:

    ===========  ==================================================================================================
    source       what images and labels are
    ===========  ==================================================================================================
    .npz file    Arrays called images, (n, height, width) or (n, height, width, channels), and labels, (n,). The only
                 array besides the labels may have any name, and there need not be labels.
    .npy file    Such an array of images, without labels.
    folder       Pictures in its subfolders, such as cat/1.png, whose label is the name of the subfolder; or pictures
                 directly in it, without labels. They are sorted by name. Names that start with a dot are left out,
                 and so are files that are no pictures by their suffix.
    picture      A single picture, without a label.
    ===========  ==================================================================================================

    Pictures are files .png, .jpg, .jpeg, .bmp, .gif, .webp, .tif and .tiff, which need Pillow. They become bytes from 0
    to 255, in one channel if all are grey, else in red, green and blue. What is transparent lets white through, a
    photograph is turned upright as its EXIF data says, of 16 bits the upper 8 count, and of an animation the first
    picture does.

    Arrays in files are mapped into memory rather than read, so they may be larger than that. Pictures and compressed
    arrays are unpacked once, into memory up to 64 MiB and beyond it into an unnamed temporary file, which is mapped and
    disappears with the images.

    Parameters
    ----------
    source : path
    size : tuple of int, optional
        (height, width) that pictures are resized to, with bilinear interpolation; by default they must all have one
        size. Images in arrays must have it.
    channels : int, optional
        1 to make all pictures grey, 3 for red, green and blue. Images in arrays must have it.
    channels_first : bool, optional
        Whether arrays of four axes are (n, channels, height, width). By default as in `layout`, or else not; but an
        array that looks as if they were needs to be told.
    images, labels : str, optional
        Names of the arrays of an .npz file. By default those of `layout`, or else "images" and "labels".
    layout : ImageLayout, optional
        Of a file read earlier, whose form these images get or, in arrays, must have. Other arguments take precedence.
    cache_dir : path, optional
        Folder of the temporary file. Defaults to the environment variable PORTNN_CACHE, or to "portnn" in the user's
        cache folder.

    Attributes
    ----------
    images : numpy.ndarray
        (n, height, width, channels), read-only: uint8 from pictures, else real numbers of the file's dtype.
    labels : numpy.ndarray or None
        (n,), text, whole numbers or booleans.
    names : sequence of str
        Names of pictures' files, relative to the folder and with slashes; of rows of an array, their numbers from 0.
    name : str
        Name in messages.
    layout : ImageLayout
        For reading other images like these.

    Raises
    ------
    ModuleNotFoundError
        If there are pictures but Pillow is not installed.
    TypeError
        If an argument has another type.
    OSError
        If a file does not exist or cannot be read, or the cache folder is not writable.
    ValueError
        If there are no images, a file is damaged or of an unknown kind, pictures differ in size, a subfolder holds no
        pictures, an array is missing, has another shape or no numbers, there are more or fewer labels than images, or
        an argument is invalid.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "digits.npz")
    ...     np.savez_compressed(path, images=np.zeros((3, 8, 8), np.uint8), labels=[4, 0, 4])
    ...     digits = LabelledImages(path)
    >>> digits.images.shape, digits.labels.tolist(), digits.names[2]
    ((3, 8, 8, 1), [4, 0, 4], '2')
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        *,
        size: tuple[int, int] | None = None,
        channels: int | None = None,
        channels_first: bool | None = None,
        images: str | None = None,
        labels: str | None = None,
        layout: ImageLayout | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.name = path_of("source", source)
        wanted = Wanted.of(size, channels, channels_first, images, labels, layout)
        self.images, self.labels, self.names, self.layout = read_images(self.name, wanted, cache_dir)

    def __repr__(self) -> str:
        return f"LabelledImages({brief(self.name)})"

    def __len__(self) -> int:
        return len(self.images)


def read_images(path: str, wanted: Wanted, cache_dir: str | os.PathLike[str] | None) -> ReadImages:
    """Read a source of any kind.

    Raises
    ------
    OSError, ValueError
        As `LabelledImages` does.
    """
    if os.path.isdir(path):
        return read_folder(path, wanted, cache_dir)
    os.stat(path)  # says so if there is nothing, whatever the suffix
    suffix = suffix_of(path)
    if suffix == ".npz":
        return read_npz(path, wanted, cache_dir)
    if suffix == ".npy":
        return read_npy(path, wanted, cache_dir)
    if suffix in SUFFIXES:
        wanted.check_no_arrays(path)
        folder, name = os.path.split(path)
        return read_pictures(folder, [name], None, wanted, cache_dir)
    raise ValueError(f"{unknown_suffix(path, ('.npz', '.npy', *SUFFIXES))}, or a folder of pictures")
