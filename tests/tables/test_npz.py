""".npz files: their arrays, and messages about those that cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

from portnn.tables import read_npz

pytestmark = pytest.mark.host

X = np.arange(6.0).reshape(3, 2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.npz"


def test_arrays_become_a_table(path) -> None:
    np.savez(path, X=X.astype(np.int32), y=[[1], [2], [3]])
    table = read_npz(path)
    assert (table.x.dtype, table.x.tolist(), table.y.tolist()) == (np.float64, X.tolist(), [1, 2, 3])
    np.savez(path, points=X, kinds=["a", "b", "c"])
    table = read_npz(path, x_name="points", y_name="kinds")
    assert table.y.tolist() == ["a", "b", "c"]
    assert read_npz(path, x_name="points").y is None
    assert read_npz(path, x_name="points", y_name="kinds", targets=False).y is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": X, "y": [1]}, "has no array 'X'; it has 'a', 'y'"),
        ({"X": X}, "has no array 'y'; it has 'X'"),
        ({"X": np.asarray([[1, "a"]], dtype=object), "y": [1]}, "X holds Python objects, which are not read"),
        ({"X": X, "y": np.asarray([1, "a", None], dtype=object)}, "y holds Python objects, which are not read"),
        ({"X": [["a"]], "y": [1]}, "X has dtype <U1, expected numbers"),
        ({"X": X[0], "y": [1, 2]}, r"X has shape \(2,\), expected \(rows, features\)"),
        ({"X": X[:0], "y": []}, r"X has shape \(0, 2\), expected \(rows, features\)"),
        ({"X": X, "y": [1, 2]}, r"y has shape \(2,\), but X has 3 rows"),
        ({"X": [[1.0], [np.nan]], "y": [1, 2]}, r"X\[1, 0\] is NaN or infinite"),
        ({"X": X, "y": [1.0, np.inf, 2.0]}, r"y\[1\] is NaN or infinite"),
    ],
)
def test_arrays_that_make_no_table(path, arrays, message) -> None:
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=message):
        read_npz(path, targets=True)


def test_damaged_files(path) -> None:
    np.savez(path, X=np.zeros((200, 2)), y=np.arange(200))
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[1500] ^= 255
    for content, message in (
        (data[: len(data) // 2], "is not an .npz file, or is damaged"),
        (bytes(flipped), "X is damaged: Bad CRC-32"),
        (b"", "is not an .npz file, or is damaged"),
        (b"a,b\n1,2\n", "is not an .npz file$"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            read_npz(path)
    with path.open("wb") as file:
        np.save(file, X)
    with pytest.raises(ValueError, match=r"holds a single array, expected an \.npz file with X and y"):
        read_npz(path)
