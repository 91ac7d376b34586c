"""Images and labels: from arrays in files, mapped or unpacked, and from pictures in folders."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from portnn.images import ImageLayout, LabelledImages, npy, picture_folder
from portnn.images.row_names import RowNames

pytestmark = pytest.mark.host


@pytest.fixture
def pixels(rng):
    """Six pictures, 4 pixels high and 5 wide, in three channels."""
    return rng.integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)


@pytest.fixture
def save(tmp_path):
    """Save a picture below a folder."""

    def saved(array, name, folder="p", **options):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = array if isinstance(array, Image.Image) else Image.fromarray(np.asarray(array))
        image.save(path, **options)
        return path

    return saved


def is_mapped(array) -> bool:
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


@pytest.mark.parametrize("savez", [np.savez, np.savez_compressed])
def test_an_archive_has_images_and_labels(tmp_path, pixels, savez) -> None:
    savez(tmp_path / "t.npz", labels=[2, 0, 1, 2, 0, 1], images=pixels)
    found = LabelledImages(tmp_path / "t.npz")
    assert np.array_equal(found.images, pixels)
    assert (found.images.dtype, found.images.flags.writeable) == (np.uint8, False)
    assert is_mapped(found.images) == (savez is np.savez)
    assert found.labels.tolist() == [2, 0, 1, 2, 0, 1]
    assert found.layout == ImageLayout((4, 5), 3, False, "images", "labels")
    assert (len(found), found.name, repr(found)) == (
        6,
        str(tmp_path / "t.npz"),
        f"LabelledImages({str(tmp_path / 't.npz')!r})",
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["?", "i2", "<f4", ">f4", ">u2", "f8"])
def test_arrays_of_any_order_and_dtype(tmp_path, pixels, dtype, order) -> None:
    array = np.asarray(pixels, dtype, order=order)
    np.save(tmp_path / "t.npy", array)
    np.savez(tmp_path / "stored.npz", a=array)
    np.savez_compressed(tmp_path / "packed.npz", a=array)
    for name in ("t.npy", "stored.npz", "packed.npz"):
        images = LabelledImages(tmp_path / name).images
        assert np.array_equal(images, array)
        assert images.dtype == array.dtype.newbyteorder("=")
        assert images.dtype.isnative
        assert not images.flags.writeable
        assert is_mapped(images) == (name != "packed.npz" and array.dtype.isnative)


def test_a_stored_array_is_found_behind_extra_fields_and_other_members(tmp_path, pixels) -> None:
    np.save(tmp_path / "a.npy", pixels)
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("read me.txt", "not an array")
        member = zipfile.ZipInfo("a.npy")
        member.extra = b"\x99\x99\x05\x00hello"
        archive.writestr(member, (tmp_path / "a.npy").read_bytes())
    found = LabelledImages(tmp_path / "t.npz")
    assert is_mapped(found.images)
    assert np.array_equal(found.images, pixels)


def test_large_pieces_go_to_a_file(tmp_path, pixels, save, monkeypatch) -> None:
    monkeypatch.setattr(npy, "MEMORY_LIMIT", 100)
    monkeypatch.setattr(npy, "PIECE_BYTES", 50)
    monkeypatch.setattr(picture_folder, "MEMORY_LIMIT", 100)
    np.savez_compressed(tmp_path / "t.npz", images=pixels.astype(np.float64))
    for number, array in enumerate(pixels):
        save(array, f"{number}.png")
    for source in (tmp_path / "t.npz", tmp_path / "p"):
        found = LabelledImages(source, cache_dir=tmp_path / "cache")
        assert is_mapped(found.images)
        assert np.array_equal(found.images, pixels)
        assert not found.images.flags.writeable
    assert (tmp_path / "cache").is_dir()
    assert not list((tmp_path / "cache").iterdir())


def test_axes(tmp_path, pixels) -> None:
    np.save(tmp_path / "grey.npy", pixels[..., 0])
    np.save(tmp_path / "first.npy", first := np.moveaxis(pixels, 3, 1))
    assert np.array_equal(LabelledImages(tmp_path / "grey.npy").images, pixels[..., :1])
    assert np.array_equal(LabelledImages(tmp_path / "grey.npy", channels_first=True).images, pixels[..., :1])
    found = LabelledImages(tmp_path / "first.npy", channels_first=True)
    assert np.array_equal(found.images, pixels)
    assert is_mapped(found.images)
    assert found.layout == ImageLayout((4, 5), 3, channels_first=True)
    assert np.array_equal(LabelledImages(tmp_path / "first.npy", layout=found.layout).images, pixels)
    assert np.array_equal(LabelledImages(tmp_path / "first.npy", channels_first=False).images, first)


def test_which_arrays(tmp_path, pixels) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, x_train=pixels, y_train=list("abcdef"), x_test=pixels[:2])
    found = LabelledImages(path, images="x_train", labels="y_train")
    assert found.labels.tolist() == list("abcdef")
    assert LabelledImages(path, layout=found.layout).labels.tolist() == list("abcdef")
    assert LabelledImages(path, images="x_test").labels is None
    np.savez(path, x_train=pixels[:3])
    again = LabelledImages(path, layout=found.layout)
    assert (len(again), again.labels) == (3, None)
    assert again.layout == found.layout
    np.savez(path, pictures=pixels, labels=np.asarray([[b"a"]] * 5 + [["ä".encode()]]))
    found = LabelledImages(path)
    assert found.labels.tolist() == ["a"] * 5 + ["ä"]
    assert not found.labels.flags.writeable
    assert LabelledImages(path, layout=ImageLayout((4, 5), 3, False, "x_train", "y_train")).labels.tolist()[5] == "ä"
    np.savez(path, images=pixels, masks=pixels)
    assert LabelledImages(path).layout.images == "images"


def test_names_of_rows_cost_nothing() -> None:
    names = RowNames(range(10**12))
    assert (len(names), names[3], names[-1], list(names[2:4])) == (10**12, "3", "999999999999", ["2", "3"])


def test_subfolders_are_classes(save, pixels, tmp_path) -> None:
    for number, name in enumerate(("dog/b.png", "cat/10.PNG", "cat/2.png", "dog/a.bmp", "cat/more/1.png", "cat/z.tif")):
        save(pixels[number], name)
    save(pixels[0], "cat/.hidden.png")
    save(pixels[0], ".git/1.png")
    save(pixels[0], "dog/.thumbnails/1.png")
    (tmp_path / "p" / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "p" / "list.csv").write_text("no picture")
    found = LabelledImages(tmp_path / "p")
    assert found.names == ["cat/10.PNG", "cat/2.png", "cat/more/1.png", "cat/z.tif", "dog/a.bmp", "dog/b.png"]
    assert found.labels.tolist() == ["cat"] * 4 + ["dog"] * 2
    assert np.array_equal(found.images, pixels[[1, 2, 4, 5, 3, 0]])
    assert (found.images.dtype, found.images.flags.writeable) == (np.uint8, False)
    assert found.layout == ImageLayout((4, 5), 3)


def test_loose_pictures_and_single_ones_have_no_labels(save, pixels, tmp_path) -> None:
    save(pixels[1], "b.png")
    path = save(pixels[0], "a.png")
    (tmp_path / "p" / "notes").mkdir()
    found = LabelledImages(tmp_path / "p")
    assert (found.names, found.labels) == (["a.png", "b.png"], None)
    assert np.array_equal(found.images, pixels[:2])
    found = LabelledImages(str(path))
    assert (found.names, found.labels, found.name) == (["a.png"], None, str(path))
    assert np.array_equal(found.images, pixels[:1])


def test_one_channel_if_all_are_grey(save, pixels, tmp_path) -> None:
    grey = pixels[0, ..., 0]
    save(grey, "1.png")
    save(Image.fromarray(grey > 99), "2.png")
    save(grey.astype(np.uint16) * 256 + 17, "3.png")
    save(Image.fromarray(grey).convert("LA"), "4.png")
    found = LabelledImages(tmp_path / "p")
    assert found.images.shape == (4, 4, 5, 1)
    assert np.array_equal(found.images[..., 0], [grey, np.where(grey > 99, 255, 0), grey, grey])
    coloured = LabelledImages(tmp_path / "p", channels=3).images
    assert np.array_equal(coloured, np.repeat(found.images, 3, axis=3))
    save(pixels[1], "5.png")
    assert np.array_equal(LabelledImages(tmp_path / "p").images, [*coloured, pixels[1]])
    luminance = LabelledImages(tmp_path / "p", channels=1).images[4, ..., 0]
    assert np.allclose(luminance, pixels[1] @ [0.299, 0.587, 0.114], atol=1)


def test_white_shows_through(save, tmp_path) -> None:
    image = Image.fromarray(np.asarray([[[200, 0, 100, 255], [0, 0, 0, 0], [0, 100, 200, 51]]], np.uint8))
    save(image, "1.png")
    assert LabelledImages(tmp_path / "p").images.tolist() == [[[[200, 0, 100], [255, 255, 255], [204, 224, 244]]]]
    save(np.asarray([[0, 7, 200]], np.uint8), "1.png", "grey", transparency=7)
    assert LabelledImages(tmp_path / "grey").images.tolist() == [[[[0], [255], [200]]]]


def test_pictures_of_two_sizes_are_resized(save, rng, tmp_path) -> None:
    slope = np.add.outer(np.arange(40.0), np.arange(60.0))[..., None] * np.asarray([1.0, 2.0, 0.5])
    save(slope.astype(np.uint8), "1.png")
    save(np.full((7, 9, 3), 50, np.uint8), "2.png")
    found = LabelledImages(tmp_path / "p", size=(20, 30))
    assert found.images.shape == (2, 20, 30, 3)
    assert found.layout.size == (20, 30)
    halves = slope.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    assert np.max(np.abs(found.images[0, 1:-1, 1:-1] - halves[1:-1, 1:-1])) <= 1
    assert np.all(found.images[1] == 50)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_photographs_are_turned_upright(save, tmp_path, suffix) -> None:
    grey = np.zeros((16, 32, 3), np.uint8)
    grey[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: what was left belongs to the top
    save(grey, f"1.{suffix}", exif=exif)
    save(np.rot90(grey, -1), f"2.{suffix}")
    turned, upright = LabelledImages(tmp_path / "p").images.astype(int)
    assert turned.shape == (32, 16, 3)
    assert np.max(np.abs(turned - upright)) < 30


def test_a_picture_whose_size_only_its_pixels_tell(save, pixels) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(pixels[0], "1.png", exif=exif)
    data = path.read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    path.write_bytes(data[:start] + data[end:-12] + data[start:end] + data[-12:])  # behind the pixels
    with pytest.raises(ValueError, match=r"1\.png is 5 pixels high and 4 wide, but .* size=.* resizes them"):
        LabelledImages(path)
    assert LabelledImages(path, size=(10, 8)).images.shape == (1, 10, 8, 3)


def test_an_animation_begins_with_its_first_picture(save, tmp_path) -> None:
    first, *others = (Image.fromarray(np.full((4, 5), value, np.uint8)) for value in (200, 100, 0))
    save(first, "1.gif", save_all=True, append_images=others)
    assert np.all(LabelledImages(tmp_path / "p").images == 200)


def test_jpeg_and_palettes(save, rng, tmp_path) -> None:
    smooth = np.add.outer(np.arange(24), np.arange(32)).astype(np.uint8)[..., None] * np.asarray([1, 2, 3], np.uint8)
    for name in ("1.jpg", "2.jpeg", "3.webp"):
        save(smooth, name)
    save(Image.fromarray(smooth).quantize(200), "4.png")
    save(Image.fromarray(smooth).convert("CMYK"), "5.jpg")
    images = LabelledImages(tmp_path / "p").images.astype(int)
    assert np.max(np.mean(np.abs(images - smooth), axis=(1, 2, 3))) < 8


def test_files_read_later_get_the_same_form(save, pixels, tmp_path) -> None:
    for number, array in enumerate(pixels):
        save(array[..., 0], f"{number % 2}/{number}.png")
    layout = LabelledImages(tmp_path / "p").layout
    assert layout == ImageLayout((4, 5), 1)
    path = save(np.repeat(np.repeat(pixels[0], 3, axis=0), 3, axis=1), "later.png", "q")
    found = LabelledImages(path, layout=layout)
    assert (found.images.shape, found.layout) == ((1, 4, 5, 1), layout)
    assert LabelledImages(path, layout=layout, size=(12, 15)).images.shape == (1, 12, 15, 1)
    np.save(tmp_path / "t.npy", pixels[..., 0])
    assert LabelledImages(tmp_path / "t.npy", layout=layout).images.shape == (6, 4, 5, 1)


def test_a_layout_survives_json() -> None:
    for layout in (ImageLayout((4, 5), 3), ImageLayout((28, 28), 1, True, "x_train", "y_train")):
        again = ImageLayout.from_json(json.loads(json.dumps(layout.to_json())))
        assert again == layout
        assert type(again.size) is tuple
    assert (
        repr(layout)
        == "ImageLayout(size=(28, 28), channels=1, channels_first=True, images='x_train', labels='y_train', test=0.0)"
    )
