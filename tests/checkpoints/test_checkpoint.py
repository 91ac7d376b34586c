from __future__ import annotations

import errno
import json
import os
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy

from portnn.checkpoints import CheckpointError, load_checkpoint, save_checkpoint

pytestmark = pytest.mark.host

ARRAYS = {
    "params.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "params.double": np.array([1e-300, -0.0]),
    "optimizer.count": np.array(3),
    "empty": np.zeros((0, 4)),
}
FACTS = {
    "estimator": "CharRNN",
    "tokens": ["\n", "é", "😀", "\ud800"],
    "loss": 0.1 + 0.2,
    "none": None,
    "big": 1 << 127,
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "last.safetensors"


def test_what_went_in_comes_out(path) -> None:
    save_checkpoint(path, ARRAYS, FACTS)
    arrays, facts = load_checkpoint(path)
    assert arrays.keys() == ARRAYS.keys()
    for name, array in arrays.items():
        assert (array.dtype, array.shape) == (ARRAYS[name].dtype, ARRAYS[name].shape)
        assert array.tobytes() == ARRAYS[name].tobytes()
    assert facts.pop("version") == 2
    assert facts == FACTS


@pytest.mark.parametrize(
    ("version", "digest"),
    [
        (1, "e5344622491ef5f110d962d3f7ed78907e6f1529a837fd0c3b1c9b2522eee724"),
        (2, "05a8effd11982fab608aac28ad0dbe11798b393e6aeb1b2fa2115d180ac908e2"),
    ],
)
def test_the_digest_of_a_version_stays(path, version, digest) -> None:
    save_checkpoint(path, ARRAYS, {**FACTS, "version": version})
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["portnn"])["digest"] == digest
    assert load_checkpoint(path)[1]["version"] == version


def test_arrays_lie_aligned(path) -> None:
    arrays = {"a": np.ones(3, np.uint8), "b": np.ones(5, np.int64), "c": np.ones(3, np.float16), "d": np.ones(3)}
    save_checkpoint(path, arrays, FACTS)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    for name, array in arrays.items():
        assert header[name]["data_offsets"][0] % array.itemsize == 0


def test_the_other_byte_order(path) -> None:
    save_checkpoint(path, {"a": np.arange(3, dtype=">f4")}, {})
    assert load_checkpoint(path)[0]["a"].tolist() == [0, 1, 2]


def test_a_large_table_is_not_copied(path) -> None:
    table = np.ones((1 << 20, 4))
    tracemalloc.start()
    save_checkpoint(path, {"params.input": table, "params.output": table}, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < table.nbytes / 10


def test_order_in_memory_does_not_matter(path) -> None:
    save_checkpoint(path, {"a": ARRAYS["params.weight"].T, "b": np.arange(10)[::2]}, {})
    arrays, _ = load_checkpoint(path)
    assert arrays["a"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert arrays["b"].tolist() == [0, 2, 4, 6, 8]


def test_one_string_of_metadata_and_no_pickle(path) -> None:
    save_checkpoint(path, ARRAYS, FACTS)
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header["__metadata__"]) == ["portnn"]
    assert json.loads(header["__metadata__"]["portnn"])["loss"] == FACTS["loss"]


def test_permissions_are_those_of_any_new_file(path) -> None:
    save_checkpoint(path, {}, {})
    other = path.with_name("other")
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_every_flipped_bit_is_found(path) -> None:
    save_checkpoint(path, {"params.w": np.arange(3, dtype=np.float32)}, {"estimator": "CharRNN"})
    data = path.read_bytes()
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"last\.safetensors") as caught:
            load_checkpoint(path)
        assert "\n" not in str(caught.value)


def test_every_truncation_is_found(path) -> None:
    save_checkpoint(path, {"params.w": np.arange(3, dtype=np.float32)}, {"estimator": "CharRNN"})
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match="is not a safetensors file, or is truncated or damaged"):
            load_checkpoint(path)


def test_bytes_after_the_end_are_found(path) -> None:
    save_checkpoint(path, ARRAYS, FACTS)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(path)


def test_what_is_no_checkpoint(tmp_path) -> None:
    text, empty, foreign, other = (tmp_path / name for name in ("book.txt", "empty", "foreign", "other"))
    text.write_text("It was the best of times, it was the worst of times")
    empty.touch()
    foreign.write_bytes(safetensors.numpy.save({"w": np.zeros(2)}))
    other.write_bytes(safetensors.numpy.save({"w": np.zeros(2)}, metadata={"portnn": "[]"}))
    for path, message in (
        (text, "is not a safetensors file"),
        (empty, "is not a safetensors file"),
        (foreign, "that portnn did not write"),
        (other, "that portnn did not write"),
        (tmp_path, "is a folder, expected a checkpoint such as"),
    ):
        with pytest.raises(CheckpointError, match=message):
            load_checkpoint(path)
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "nothing")


@pytest.mark.parametrize("version", [0, 3, "1", None])
def test_another_version(path, version) -> None:
    path.parent.mkdir()
    facts = json.dumps({"version": version})
    path.write_bytes(safetensors.numpy.save({"w": np.zeros(2)}, metadata={"portnn": facts}))
    with pytest.raises(CheckpointError, match=f"format version {version!r}; this portnn reads versions 1 to 2$"):
        load_checkpoint(path)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(path, monkeypatch, call) -> None:
    save_checkpoint(path, ARRAYS, {"step": 1})

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync" if call == "fsync" else "pathlib.Path.replace", full)
    with pytest.raises(OSError, match=r"cannot write checkpoint .*last\.safetensors: No space left on device"):
        save_checkpoint(path, ARRAYS, {"step": 2})
    assert load_checkpoint(path)[1]["step"] == 1
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupt_leaves_what_was_there(path, monkeypatch) -> None:
    save_checkpoint(path, ARRAYS, {"step": 1})

    def impatient(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", impatient)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, ARRAYS, {"step": 2})
    assert load_checkpoint(path)[1]["step"] == 1
    assert list(path.parent.iterdir()) == [path]


def test_a_file_in_the_place_of_the_folder(tmp_path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OSError, match=r"cannot write checkpoint .*taken"):
        save_checkpoint(tmp_path / "taken" / "last.safetensors", ARRAYS, {})
