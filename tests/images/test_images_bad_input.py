"""Files of images that cannot be read: each ends in one line that names the file and its fault."""

from __future__ import annotations

import errno
import shutil
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from portnn.images import ImageLayout, LabelledImages

pytestmark = pytest.mark.host

PIXELS = np.zeros((3, 4, 5, 3), np.uint8)


def said(path, kind=ValueError, **options) -> str:
    """What is said about a source, after its name."""
    with pytest.raises(kind) as caught:
        LabelledImages(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    assert str(path) in message
    return message.removeprefix(str(path)).removeprefix(": ").strip()


@pytest.fixture
def refusal(tmp_path):
    """What is said about an .npz file of these arrays, after its name."""

    def of(options=None, **arrays):
        np.savez(tmp_path / "t.npz", **arrays)
        return said(tmp_path / "t.npz", **(options or {}))

    return of


@pytest.fixture
def picture(tmp_path):
    """Save a picture in a folder."""

    def saved(name, shape=(4, 5, 3), folder="p"):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)).save(path)
        return path

    return saved


@pytest.mark.parametrize("name", ["t.npz", "t.npy", "t.png", "t", "t.txt"])
def test_nothing_there(tmp_path, name) -> None:
    with pytest.raises(FileNotFoundError, match=name):
        LabelledImages(tmp_path / name)


def test_unknown_suffixes(tmp_path) -> None:
    for name in ("t.txt", "t"):
        (tmp_path / name).write_bytes(b"")
        message = said(tmp_path / name)
        assert message.startswith(f"has the suffix {name[1:]!r}; expected one of .npz, .npy, .png, .jpg")
        assert message.endswith("or a folder of pictures")


@pytest.mark.parametrize("source", [3, None, b"t.npz", ["t.npz"]])
def test_sources_that_are_no_paths(source) -> None:
    with pytest.raises(TypeError, match="source must be a path, got"):
        LabelledImages(source)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"size": 28}, TypeError, r"size must be \(height, width\), got 28"),
        ({"size": (28, 28, 3)}, TypeError, r"size must be \(height, width\)"),
        ({"size": (28, 0)}, ValueError, "each of size must be a positive whole number, got 0"),
        ({"size": (28, "a")}, TypeError, "each of size must be"),
        ({"channels": 0}, ValueError, "channels must be a positive whole number, got 0"),
        ({"channels_first": "yes"}, ValueError, "channels_first must be True or False, got 'yes'"),
        ({"images": 3}, TypeError, "images must be the name of an array, got 3"),
    ],
)
def test_arguments(picture, options, kind, message) -> None:
    with pytest.raises(kind, match=message):
        LabelledImages(picture("1.png"), **options)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": PIXELS, "b": PIXELS}, "has no array 'images'; it has 'a', 'b'; say with images and labels which"),
        ({"labels": [1, 2, 3]}, "has no array 'images'; it has 'labels'; say"),
        ({"images": PIXELS.astype(object)}, "images holds Python objects, which are not read; save it as numbers"),
        ({"images": PIXELS[0, 0]}, "images has shape (5, 3), expected (n, height, width) or (n, height, width, ch"),
        ({"images": PIXELS[None]}, "images has shape (1, 3, 4, 5, 3), expected"),
        ({"images": np.float64(1)}, "images has shape (), expected"),
        ({"images": PIXELS[:, :0]}, "images has shape (3, 0, 5, 3), expected"),
        ({"images": PIXELS[:0]}, "images holds no images: its shape is (0, 4, 5, 3)"),
        ({"images": PIXELS.astype("U1")}, "images has dtype <U1, expected real numbers"),
        ({"images": PIXELS.astype(complex)}, "images has dtype complex128, expected real numbers"),
        ({"images": PIXELS, "labels": [1, 2]}, "labels has shape (2,), expected a label for each of 3 images, (3,)"),
        ({"images": PIXELS, "labels": np.eye(3)}, "labels has dtype float64; labels must be whole numbers or text"),
        ({"images": PIXELS, "labels": np.eye(3, dtype=int)}, "labels has shape (3, 3), expected a label for each of 3"),
        ({"images": PIXELS, "labels": np.asarray([1, None, "a"])}, "labels holds Python objects, which are not read"),
        ({"images": PIXELS, "labels": [b"a", b"\xff", b"c"]}, "labels holds bytes that are not utf-8"),
        ({"images": np.zeros((3, 3, 32, 32))}, "images has shape (3, 3, 32, 32); say with channels_first whether"),
    ],
)
def test_arrays_that_are_no_images(refusal, arrays, message) -> None:
    assert refusal(**arrays).startswith(message)


def test_names_that_were_stated(refusal, tmp_path, picture) -> None:
    assert refusal({"images": "x"}, a=PIXELS, labels=[1, 2, 3]) == "has no array 'x'; it has 'a', 'labels'"
    assert refusal({"labels": "y"}, images=PIXELS) == "has no array 'y'; it has 'images'"
    layout = ImageLayout((4, 5), 3, False, "x", "y")
    assert refusal({"layout": layout}, a=PIXELS, b=PIXELS).startswith("has no array 'x'; it has 'a', 'b'; say")
    np.save(tmp_path / "t.npy", PIXELS)
    for path in (tmp_path / "t.npy", picture("1.png"), tmp_path / "p"):
        expected = "has no named arrays, but labels is 'y'; only .npz files have them"
        assert said(path, labels="y") == expected


def test_arrays_of_another_form(refusal) -> None:
    message = "images has images 4 pixels high and 5 wide, expected 8 pixels high and 9 wide; images in arrays are not"
    assert refusal({"size": (8, 9)}, images=PIXELS).startswith(message)
    assert refusal({"layout": ImageLayout((8, 9), 3)}, images=PIXELS).startswith(message)
    assert refusal({"channels": 1}, images=PIXELS).startswith("images has images of 3 channels, expected 1;")
    assert refusal({"layout": ImageLayout((4, 5), 3)}, images=PIXELS[..., 0]).startswith(
        "images has images of 1 channel, expected 3;"
    )


def test_damaged_archives(tmp_path) -> None:
    path = tmp_path / "t.npz"
    noise = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)
    np.savez_compressed(path, images=noise)
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 255
    for content, message in (
        (data[: len(data) // 2], "is not an .npz file, or is damaged: "),
        (b"", "is not an .npz file, or is damaged: "),
        (b"a,b\n1,2\n", "is not an .npz file, or is damaged: "),
        (bytes(flipped), "images is damaged: "),
        (data.replace(b"\x08\x00", b"\x63\x00"), "images is damaged: "),
    ):
        path.write_bytes(content)
        assert said(path).startswith(message)


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_of_damaged_arrays(tmp_path, kind) -> None:
    np.save(tmp_path / "t.npy", PIXELS)
    data = (tmp_path / "t.npy").read_bytes()
    for content, message in (
        (data[:-1], "images is damaged: 179 bytes of data, where shape (3, 4, 5, 3) of uint8 needs 180"),
        (data.replace(b"(3, 4", b"(-3,4"), "images has shape (-3, 4, 5, 3), expected"),
        (data.replace(b"NUMPY", b"NUMPI"), "images is no array in NumPy's format, or is damaged: "),
        (b"", "images is no array in NumPy's format, or is damaged: "),
    ):
        with zipfile.ZipFile(tmp_path / "t.npz", "w", kind) as archive:
            archive.writestr("images.npy", content)
        assert said(tmp_path / "t.npz").startswith(message)


def test_damaged_npy_files(tmp_path) -> None:
    path = tmp_path / "t.npy"
    np.save(path, PIXELS)
    data = path.read_bytes()
    for content, message in (
        (data[:-1], "is damaged: 179 bytes of data, where shape (3, 4, 5, 3) of uint8 needs 180"),
        (data[:20], "is no array in NumPy's format, or is damaged: "),
        (data.replace(b"'descr'", b"'descr("), "is no array in NumPy's format, or is damaged: "),
        (b"", "is no array in NumPy's format, or is damaged: "),
    ):
        path.write_bytes(content)
        assert said(path).startswith(message)
    np.save(path, np.asarray([[[1, "a"]]], dtype=object))
    assert said(path).startswith("holds Python objects, which are not read")


def test_folders_without_images(tmp_path, picture) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "notes.txt").write_text("no picture")
    assert said(folder).startswith("holds no images; expected files .png, .jpg")
    (folder / "cat").mkdir()
    picture(".hidden/1.png")
    assert said(folder).startswith("holds no images; expected files")
    picture("dog/1.png")
    (folder / "bird").mkdir()
    assert said(folder) == "has subfolders without images: 'bird', 'cat'; expected some for each class"


def test_loose_pictures_beside_classes(tmp_path, picture) -> None:
    picture("loose.png")
    picture("cat/1.png")
    assert said(tmp_path / "p").startswith(
        "holds images of its own, such as 'loose.png', beside subfolders of them, such as 'cat/1.png'; expected"
    )


def test_the_first_picture_of_another_size_is_named(tmp_path, picture) -> None:
    first = picture("cat/1.png")
    picture("cat/2.png")
    other = picture("dog/3.png", (5, 4, 3))
    picture("dog/4.png", (9, 9, 3))
    assert said(other.parents[1]) == (
        f"{other} is 5 pixels high and 4 wide, but {first} is 4 pixels high and 5 wide; "
        "size=(height, width) resizes them"
    ).removeprefix(str(other.parents[1]))
    assert LabelledImages(tmp_path / "p", size=(4, 5)).images.shape == (4, 4, 5, 3)


@pytest.mark.parametrize("size", [None, (4, 5)])
@pytest.mark.parametrize(
    ("suffix", "kept", "message"),
    [
        ("png", 0.7, "cannot be read as a picture: "),
        ("jpg", 0.7, "cannot be read as a picture: image file is truncated"),
        ("gif", 0.7, "cannot be read as a picture: "),
        ("tif", 0.7, "cannot be read as a picture: "),
        ("webp", 0.7, "cannot be read as a picture: "),
        ("bmp", 0.7, "cannot be read as a picture: "),
        ("png", 0.0, "is none of PNG, JPEG, BMP, GIF, WEBP, TIFF, or is damaged at its beginning"),
        ("jpg", 0.0, "is none of PNG"),
    ],
)
def test_pictures_that_end_early(tmp_path, picture, suffix, kept, message, size) -> None:
    for number in (1, 3):
        picture(f"{number}.{suffix}", (32, 32, 3))
    path = picture(f"2.{suffix}", (32, 32, 3))
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(ValueError, match=f"2.{suffix}") as caught:
        LabelledImages(tmp_path / "p", size=size, channels=3 if size else None)
    assert str(caught.value).removeprefix(f"{path} ").startswith(message)
    assert said(path).startswith(message)


def test_pictures_that_are_something_else(tmp_path, picture) -> None:
    path = picture("1.png")
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 4\n")  # Pillow would run a program for it
    assert said(path).startswith("is none of PNG")
    data = bytearray(picture("1.png", (32, 32, 3)).read_bytes())
    data[18] ^= 255
    path.write_bytes(data)
    assert said(path).startswith(("is none of PNG", "cannot be read as a picture: "))
    for kind, values in (("floats", np.float32), ("32-bit integers", np.int32)):
        Image.fromarray(np.ones((4, 5), values)).save(tmp_path / "1.tif")
        message = f"cannot be read as a picture: it holds {kind}, whose range is not known; save it with 8 or 16 bits"
        assert said(tmp_path / "1.tif").startswith(message)


def test_channels_that_pictures_do_not_have(picture) -> None:
    path = picture("1.png")
    for options in ({"channels": 4}, {"layout": ImageLayout((4, 5), 4)}):
        with pytest.raises(ValueError, match="pictures have 1 or 3 channels, but channels is 4"):
            LabelledImages(path.parent, **options)


def test_pillow_is_missing(picture, tmp_path, monkeypatch) -> None:
    path = picture("1.png")
    np.save(tmp_path / "t.npy", PIXELS)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError, match=r'needs Pillow to be read: .*pip install "portnn\[images\]"'):
        LabelledImages(path)
    assert len(LabelledImages(tmp_path / "t.npy")) == 3


def test_files_that_may_not_be_read(picture, tmp_path, monkeypatch) -> None:
    path = picture("1.png")
    shutil.copy(path, tmp_path / "p" / "2.png")

    def refused(self, *arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(PermissionError, match=r"1\.png"):
        LabelledImages(tmp_path / "p")


def test_a_cache_folder_that_cannot_be_written(picture, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("portnn.images.picture_folder.MEMORY_LIMIT", 10)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="cannot write to the cache folder"):
        LabelledImages(picture("1.png"), cache_dir=tmp_path / "file")
