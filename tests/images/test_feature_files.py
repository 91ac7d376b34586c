"""Features from files: mapped where they lie or unpacked, and what is said about files that hold none."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import save_file

from portnn.images import feature_files, npy, read_features, tensor_file

pytestmark = pytest.mark.host

SUFFIXES = [".npy", ".npz", ".safetensors"]


@pytest.fixture
def features(rng):
    """Seven rows of five numbers."""
    return rng.normal(size=(7, 5)).astype(np.float32)


@pytest.fixture
def save(tmp_path):
    """Save arrays in a file of some kind; an .npy file gets the first."""

    def saved(suffix, packed=False, **arrays):
        path = tmp_path / f"t{suffix}"
        if suffix == ".npy":
            np.save(path, next(iter(arrays.values())))
        elif suffix == ".npz":
            (np.savez_compressed if packed else np.savez)(path, **arrays)
        else:
            save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)
        return path

    return saved


def write_tensors(path, entries, data=b"", length=None):
    """Write a safetensors file, right or wrong."""
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)


def said(path, kind=ValueError, **options) -> str:
    """What is said about a file, after its name."""
    with pytest.raises(kind) as caught:
        read_features(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    assert str(path) in message
    return message.removeprefix(str(path)).removeprefix(": ").strip()


def is_mapped(array) -> bool:
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "u1", "i8", "?"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_are_mapped_and_cannot_be_written_into(save, features, suffix, dtype) -> None:
    rows = features.astype(dtype)
    found = read_features(save(suffix, features=rows, labels=np.arange(7)))
    assert np.array_equal(found, rows)
    assert (type(found), found.dtype) == (np.ndarray, rows.dtype)
    assert is_mapped(found)
    assert not found.flags.writeable


def test_what_cannot_be_mapped_is_unpacked(tmp_path, save, features) -> None:
    for path in (save(".npz", packed=True, features=features), save(".npy", features=features.astype(">f4"))):
        found = read_features(str(path))
        assert np.array_equal(found, features)
        assert found.dtype == np.float32
        assert (is_mapped(found), found.flags.writeable) == (False, False)


def test_columns_may_come_first(save, features) -> None:
    rows = np.asfortranarray(features)
    for suffix in (".npy", ".npz"):
        found = read_features(save(suffix, features=rows))
        assert np.array_equal(found, features)
        assert is_mapped(found)
    rows[4, 2] = np.nan
    assert said(save(".npy", features=rows)) == "row 4 has NaN or infinity"


def test_large_files_take_no_memory(save) -> None:
    rows = np.ones((4000, 1000), np.float32)
    for suffix in SUFFIXES:
        path = save(suffix, features=rows)
        tracemalloc.start()
        found = read_features(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found.shape == rows.shape
        assert peak < rows.nbytes / 4, suffix


def test_half_of_float32_is_widened(tmp_path, monkeypatch, features) -> None:
    upper = (features.view(np.uint32) >> 16).astype("<u2")
    path = tmp_path / "t.safetensors"
    first = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
    entry = {"dtype": "BF16", "shape": [7, 5], "data_offsets": [1, 71]}
    write_tensors(path, {"__metadata__": {"a": "b"}, "labels": first, "x": entry}, b"\1" + upper.tobytes())
    expected = (features.view(np.uint32) & 0xFFFF0000).view(np.float32)
    found = read_features(path)
    assert np.array_equal(found, expected)
    assert (found.dtype, found.flags.writeable, is_mapped(found)) == (np.float32, False, False)
    monkeypatch.setattr(tensor_file, "MEMORY_LIMIT", 40)
    monkeypatch.setattr(tensor_file, "PIECE_BYTES", 16)
    monkeypatch.setenv("PORTNN_CACHE", str(tmp_path / "cache"))
    found = read_features(path)
    assert np.array_equal(found, expected)
    assert is_mapped(found)
    monkeypatch.setattr(npy, "MEMORY_LIMIT", 40)
    np.savez_compressed(tmp_path / "t.npz", features=expected)
    assert is_mapped(read_features(tmp_path / "t.npz"))
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_which_array(save, features, suffix) -> None:
    others = {"a": features[:1], "labels": features[:2]}
    path = save(suffix, **others, features=features)
    for name, rows in ((None, 7), ("a", 1), ("labels", 2), ("features", 7)):
        assert len(read_features(path, name=name)) == rows
    assert said(path, name="x").startswith("has no array 'x'; it has 'a', ")
    assert len(read_features(save(suffix, **others))) == 1
    hint = "say with name which array is to be read"
    path = save(suffix, a=features, b=features)
    assert said(path) == f"has no array 'features'; it has 'a', 'b'; {hint}"
    path = save(suffix, labels=features)
    assert said(path) == f"has no array 'features'; it has 'labels'; {hint}"
    path = save(suffix)
    assert said(path) == f"has no array 'features'; it has none; {hint}"


def test_arguments(tmp_path, save, features) -> None:
    path = save(".npy", features=features)
    assert said(path, name="x") == "has no named arrays, but name is 'x'; only .npz and .safetensors files have them"
    with pytest.raises(TypeError, match="name must be the name of an array, got 3"):
        read_features(path, name=3)
    with pytest.raises(TypeError, match="path must be a path, got 3"):
        read_features(3)
    for name in ("t", "t.txt"):
        (tmp_path / name).write_bytes(b"")
        assert said(tmp_path / name) == f"has the suffix {name[1:]!r}; expected one of .npy, .npz, .safetensors"
    for suffix in (*SUFFIXES, ".txt"):
        said(tmp_path / f"none{suffix}", FileNotFoundError)
        (tmp_path / f"folder{suffix}").mkdir()
    for suffix in SUFFIXES:
        said(tmp_path / f"folder{suffix}", IsADirectoryError)
    assert np.array_equal(read_features(path.rename(tmp_path / "T.NPY")), features)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 4, 5), "features have shape (3, 4, 5), expected (rows, width)"),
        ((3,), "features have shape (3,), expected (rows, width)"),
        ((), "features have shape (), expected (rows, width)"),
        ((0, 5), "features have no rows: their shape is (0, 5)"),
        ((3, 0), "features have no numbers in their rows: their shape is (3, 0)"),
    ],
)
def test_shapes(save, suffix, shape, message) -> None:
    assert said(save(suffix, features=np.zeros(shape))) == message


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_of_something_else(save, suffix) -> None:
    for kind, dtype in (("complex128", complex), ("<U1", "U1")):
        message = f"features have dtype {kind}, expected real numbers"
        assert said(save(suffix, features=np.zeros((3, 4), dtype))) == message
    assert "holds Python objects, which are not read" in said(save(suffix, features=np.asarray([[1, "a"]], object)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_first_row_that_is_not_finite(save, monkeypatch, suffix, wrong) -> None:
    rows = np.full((40, 3), 6e4, np.float16)  # whose sum is infinite
    monkeypatch.setattr(feature_files, "PIECE_BYTES", 50)  # eight rows
    assert len(read_features(save(suffix, features=rows))) == 40
    for row in (39, 17, 16, 0):
        rows[row, 2] = wrong
        assert said(save(suffix, features=rows)) == f"row {row} has NaN or infinity"


def test_wide_rows_are_looked_at_one_at_a_time(save, monkeypatch, features) -> None:
    monkeypatch.setattr(feature_files, "PIECE_BYTES", 3)
    features[5, 0] = np.nan
    assert said(save(".npy", features=features)) == "row 5 has NaN or infinity"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files(save, features, suffix) -> None:
    path = save(suffix, features=features)
    data = path.read_bytes()
    for content in (b"", b"0\ta dog\n", data[:20], data[:-1]):
        path.write_bytes(content)
        assert "damaged" in said(path)


@pytest.mark.parametrize(
    ("change", "bytes_there", "length"),
    [
        ({"shape": [2, 2]}, 24, None),
        ({"shape": [-2, 3]}, 24, None),
        ({"data_offsets": [4, 28]}, 28, None),
        ({}, 28, None),
        ({}, 20, None),
        ({"dtype": "Q"}, 24, None),
        ({}, 24, 1 << 60),
        ({}, 24, 3),
    ],
)
def test_headers_that_do_not_fit_their_tensors(tmp_path, change, bytes_there, length) -> None:
    entry = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    path = tmp_path / "t.safetensors"
    write_tensors(path, {"features": entry}, bytes(24))
    assert read_features(path).tolist() == [[0.0] * 3] * 2
    write_tensors(path, {"features": {**entry, **change}}, bytes(bytes_there), length)
    assert said(path).startswith("is not a safetensors file, or is damaged: ")
    for text in (b"[1]", b"\xff\xfe", b"{"):
        write_tensors(path, text, bytes(24))
        assert said(path).startswith("is not a safetensors file, or is damaged: ")


def test_dtypes_that_numpy_does_not_have(tmp_path) -> None:
    path = tmp_path / "t.safetensors"
    write_tensors(path, {"x": {"dtype": "F8_E4M3", "shape": [2, 3], "data_offsets": [0, 6]}}, bytes(6))
    assert said(path).startswith("x has dtype F8_E4M3, expected one of BOOL, ")
    assert said(path).endswith("F16, F32, F64, BF16")


def test_shapes_of_what_is_widened(tmp_path) -> None:
    path = tmp_path / "t.safetensors"
    write_tensors(path, {"x": {"dtype": "BF16", "shape": [2, 3, 1], "data_offsets": [0, 12]}}, bytes(12))
    assert said(path) == "features have shape (2, 3, 1), expected (rows, width)"
    write_tensors(path, {"x": {"dtype": "BF16", "shape": [0, 3], "data_offsets": [0, 0]}})
    assert said(path) == "features have no rows: their shape is (0, 3)"
