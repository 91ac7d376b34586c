"""Checkpoints hold what they were given, bit for bit; whatever else is in a file is one line, never other values."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import portnn
from portnn.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from portnn.checkpoints.checkpoint import DTYPES
from portnn.estimators.registry import ESTIMATORS

pytestmark = pytest.mark.host

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda name: name != "__metadata__")
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**64), 10**400]),
    st.floats(),
    st.text(st.characters(), max_size=12),  # lone surrogates, too: they are words of a file of another encoding
)
FACTS = st.dictionaries(
    st.text(max_size=8).filter(lambda name: name not in ("version", "digest")),
    st.recursive(
        PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_size=5,
)
ARRAYS = st.dictionaries(
    NAMES,
    st.sampled_from(sorted(DTYPES)).flatmap(
        lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    ),
    max_size=4,
)


def same(found, given):
    """Equality of facts, with NaN the same as itself, and 1 another value than 1.0 or True."""
    return json.dumps(found, sort_keys=True) == json.dumps(given, sort_keys=True)


def loaded_or_refused(path, load):
    """What a file holds, or None if it was refused in one line of sensible length that names the file."""
    try:
        return load(path)
    except CheckpointError as error:
        message = str(error)
    assert str(path) in message
    assert len(message.splitlines()) == 1
    assert len(message) < 400 + len(str(path))
    return None


@given(ARRAYS, FACTS)
def test_what_is_saved_is_loaded(tmp_path, arrays, facts):
    save_checkpoint(tmp_path / "x.safetensors", arrays, facts)
    found, found_facts = load_checkpoint(tmp_path / "x.safetensors")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
    assert found_facts.pop("version") == 2
    assert same(found_facts, facts)


@given(
    npst.arrays(st.sampled_from([">f4", "<f8", ">i8", "<u2"]), npst.array_shapes(min_dims=2, max_dims=3, max_side=4)),
    st.integers(0, 2**6 - 1),
)
def test_any_view_of_an_array_is_saved_as_its_values(tmp_path, array, choice):
    view = array[:: -1 if choice & 1 else 1, :: 2 if choice & 2 else 1]
    view = np.asfortranarray(view) if choice & 4 else view
    view = view.T if choice & 8 else view
    save_checkpoint(tmp_path / "x.safetensors", {"view": view}, {})
    found = load_checkpoint(tmp_path / "x.safetensors")[0]["view"]
    assert found.dtype == view.dtype.newbyteorder("<")
    assert found.tobytes() == np.ascontiguousarray(view.astype(found.dtype)).tobytes()


@pytest.mark.parametrize("dtype", ["complex64", "longdouble", "datetime64[s]", "U3", "object", "S2"])
def test_what_the_format_has_no_name_for_is_refused_by_name(tmp_path, dtype):
    with pytest.raises(TypeError, match=r"^cannot save params\.x of dtype .*; expected bool, uint8"):
        save_checkpoint(tmp_path / "x.safetensors", {"params.x": np.zeros(2, dtype)}, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("facts", [{"a": np.int64(3)}, {"a": {1, 2}}, {"a": {("b", 1): 2}}, {"a": b"b"}])
def test_facts_that_are_no_json_leave_what_was_there(tmp_path, facts):
    save_checkpoint(tmp_path / "x.safetensors", {}, {"kept": 1})
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path / "x.safetensors", {}, facts)
    assert load_checkpoint(tmp_path / "x.safetensors")[1]["kept"] == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A checkpoint as bytes, and what is in it."""
    path = tmp_path_factory.mktemp("written") / "x.safetensors"
    arrays = {"params.w": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.asarray(3), "e": np.zeros((0, 2))}
    facts = {"estimator": "MLP", "words": ["é", "\ud800", ""], "loss": math.nan, "deep": {"a": [1, 1.0, True, None]}}
    save_checkpoint(path, arrays, facts)
    return path.read_bytes(), *load_checkpoint(path)


def loads_the_same_or_says_so_in_one_line(path, data, written):
    """A file that loads holds what was written; one that does not says so and names the file."""
    path.write_bytes(data)
    loaded = loaded_or_refused(path, load_checkpoint)
    if loaded is None:
        return
    (arrays, facts), (_, expected, expected_facts) = loaded, written
    assert {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()} == {
        name: (a.dtype, a.shape, a.tobytes()) for name, a in expected.items()
    }
    assert same(facts, expected_facts)


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xff" * 8 + b"{}")
@example(b"\x02" + b"\0" * 7 + b"{}")
def test_any_bytes_are_a_line(tmp_path, data):
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    assert loaded_or_refused(path, load_checkpoint) is None
    assert loaded_or_refused(path, portnn.load) is None


@given(st.data())
def test_a_damaged_file_never_holds_other_values(tmp_path, written, data):
    """A bit that flips, an end that is missing, bytes that are added, doubled, lost, or exchanged."""
    content = bytearray(written[0])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        kind = data.draw(st.sampled_from(["flip", "cut", "add", "lose", "repeat", "exchange"]))
        length = data.draw(st.integers(1, 40))
        if kind == "flip" and at < len(content):
            content[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del content[at:]
        elif kind == "add":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=9))
        elif kind == "lose":
            del content[at : at + length]
        elif kind == "repeat":
            content[at:at] = content[at : at + length]
        else:
            content[at : at + length] = content[at : at + length][::-1]
    loads_the_same_or_says_so_in_one_line(tmp_path / "x.safetensors", bytes(content), written)


TENSORS = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from([*DTYPES.values(), "BF16", "F8_E4M3", "F8_E5M2", "C64", "F4", "X", "", 3]),
        "shape": st.lists(st.sampled_from([0, 1, 2, 3, 2**31, 2**63, -1, 1.5]), max_size=4),
        "data_offsets": st.lists(st.sampled_from([0, 4, 8, 24, 32, 2**40, -4]), min_size=0, max_size=3),
    }
)
METADATA = {
    "nothing": {},
    "no text": {"portnn": ""},
    "no facts": {"portnn": "[]"},
    "no json": {"portnn": "nonsense"},
    "no version": {"portnn": "{}"},
    "no digest": {"portnn": '{"version": 2}'},
    "no number": {"portnn": "NaN"},
    "no end": {"portnn": "[" * 100_000},
    "too deep": {"portnn": "[" * 100_000 + "]" * 100_000},
    "too long a number": {"portnn": '{"version": ' + "9" * 5000 + "}"},
}


@given(
    st.dictionaries(st.sampled_from(["a", "b", "params.w"]), TENSORS, max_size=3),
    st.sampled_from(list(METADATA)),
    st.binary(max_size=48),
)
@pytest.mark.parametrize("alone", [False, True])
def test_a_header_that_someone_else_wrote_is_a_line(tmp_path, alone, tensors, kind, data):
    metadata, tensors, data = METADATA[kind], {} if alone else tensors, b"" if alone else data
    header = json.dumps({"__metadata__": metadata, **tensors}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    assert loaded_or_refused(path, load_checkpoint) is None


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Arrays and facts of a small model of every kind."""
    folder = tmp_path_factory.mktemp("models")
    X = np.random.default_rng(0).normal(size=(12, 2))
    text, words = "to be or not to be " * 8, [["red", "green", "blue"]] * 20
    for name in ESTIMATORS:
        kind = getattr(portnn, name)
        size = {
            "Captioner": {"hidden_size": 2, "embedding_size": 2},
            "CharRNN": {"hidden_size": 3},
            "ConvNet": {"channels": (2,), "hidden": (3,), "batch_norm": True},
            "TextClassifier": {"hidden_size": 2, "embedding_size": 2},
            "Word2Vec": {"vector_size": 2, "window": 2, "min_count": 1, "sample": 0.0},
        }
        model = kind(**size.get(name, {}))
        data = {"CharRNN": (text,), "Word2Vec": (words,), "LinearRegression": (X, X[:, 0])}
        data["ConvNet"] = (X.reshape(3, 4, 2, 1), ["a", "b", "a"])
        data["Captioner"] = (X[:2], ["a cat", "a dog"])
        data["TextClassifier"] = (["good", "not bad", "bad", "not good"], ["+", "+", "-", "-"])
        run = {"batch_size": 2, "seq_length": 5} if name == "CharRNN" else {}
        model.fit(*data.get(name, (X, X[:, 0] > 0)), steps=1, progress=False, **run).save(folder / name)
    return {name: load_checkpoint(folder / name) for name in ESTIMATORS}


def places(facts, path=()):
    """Every place in nested facts."""
    if path:
        yield path
    inner = facts.items() if isinstance(facts, dict) else enumerate(facts) if isinstance(facts, list) else ()
    for key, value in list(inner)[:6]:
        yield from places(value, (*path, key))


OTHERS = PLAIN | st.sampled_from([[], {}, [None], {"a": 1}, -1, 0, 10**9, 1e300, "", "lstm", [[1]], "0" * 50])


@given(st.sampled_from(sorted(ESTIMATORS)), st.data())
def test_a_checkpoint_with_other_facts_is_a_model_or_a_line(tmp_path, models, name, data):
    """Facts whose digest is right, and that still do not fit: those of another version, or of another's making."""
    arrays, facts = models[name]
    changed = json.loads(json.dumps(facts))
    *parents, last = data.draw(st.sampled_from(list(places(changed))))
    assume(last != "version")
    holder = changed
    for key in parents:
        holder = holder[key]
    if data.draw(st.booleans()):
        del holder[last]
    else:
        holder[last] = data.draw(OTHERS)
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, arrays, changed)
    model = loaded_or_refused(path, portnn.load)
    if model is not None:
        model.save(path)
        assert portnn.load(path).settings == model.settings


@given(st.sampled_from(sorted(ESTIMATORS)), st.data())
def test_a_checkpoint_with_other_arrays_is_a_line(tmp_path, models, name, data):
    arrays, facts = models[name]
    changed = data.draw(st.sampled_from(sorted(arrays)))
    shape = arrays[changed].shape
    other = data.draw(
        npst.arrays(st.sampled_from(["float64", "int64", "uint8", "bool"]), npst.array_shapes(max_side=4))
    )
    assume(other.shape != shape)
    arrays = {key: array for key, array in arrays.items() if key != changed}
    if data.draw(st.booleans()):
        arrays[changed] = other
    save_checkpoint(tmp_path / "x.safetensors", arrays, facts)
    assert loaded_or_refused(tmp_path / "x.safetensors", portnn.load) is None


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        (name, *each)
        for name in ("CharRNN", "TextClassifier")
        for each in (("num_layers", 10**9), ("hidden_size", 10**200))
    ],
)
def test_a_size_that_no_file_can_hold_is_a_line_at_once(tmp_path, models, name, setting, value):
    arrays, facts = models[name]
    facts = {**facts, "settings": {**facts["settings"], setting: value}}
    save_checkpoint(tmp_path / "x.safetensors", arrays, facts)
    assert loaded_or_refused(tmp_path / "x.safetensors", portnn.load) is None


@pytest.mark.parametrize("lengths", [np.asarray([9.2e18]), np.asarray([4, 5, 3]), np.asarray([[4, 5, 3]], np.uint32)])
def test_words_whose_lengths_are_no_lengths_are_a_line(tmp_path, models, lengths):
    arrays, facts = models["Word2Vec"]
    save_checkpoint(tmp_path / "x.safetensors", {**arrays, "vocabulary.lengths": lengths}, facts)
    assert loaded_or_refused(tmp_path / "x.safetensors", portnn.load) is None
    assert loaded_or_refused(tmp_path / "x.safetensors", portnn.KeyedVectors.load) is None
