import math

import numpy as np
import pytest

from portnn.training import pack, unpack

SMALL = {"a": (3, 4), "b": (4,), "c": ()}
LARGE = {"a": (400, 100), "b": (100,), "c": (5, 7)}


@pytest.mark.parametrize("shapes", [SMALL, LARGE], ids=["small", "large"])
def test_what_is_packed_comes_out_again(backend, rng, shapes):
    host = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    vector = pack({name: backend.asarray(array) for name, array in host.items()}, shapes, xp=backend.xp)
    assert tuple(vector.shape) == (sum(math.prod(shape) for shape in shapes.values()),)
    again = unpack(vector, shapes, xp=backend.xp)
    for name, array in host.items():
        assert np.array_equal(backend.to_host(again[name]), array)
    assert np.array_equal(backend.to_host(pack(again, shapes, xp=backend.xp)), backend.to_host(vector))


@pytest.mark.host
class TestPiecesOfALargeVector:
    @pytest.fixture
    def pieces(self, rng):
        return unpack(rng.normal(size=40135), LARGE, xp=np)

    def test_are_not_copied(self, pieces):
        assert pack(pieces, LARGE, xp=np) is pieces["a"].base

    @pytest.mark.parametrize(
        "change",
        [
            lambda p: {**p, "b": p["b"].copy()},
            lambda p: {**p, "a": np.ascontiguousarray(p["a"].T).T},
            lambda p: {**p, "a": p["a"].T.reshape(400, 100)},
            lambda p: {**p, "a": p["a"][::-1]},
            lambda p: {**p, "b": p["a"][0]},
            lambda p: {**p, "c": p["a"][:5, :7]},
        ],
    )
    def test_are_copied_where_one_is_another(self, pieces, change):
        changed = change(pieces)
        right = np.concatenate([changed[name].reshape(-1) for name in LARGE])
        found = pack(changed, LARGE, xp=np)
        assert found is not pieces["a"].base
        assert np.array_equal(found, right)

    def test_are_copied_where_they_are_not_the_whole(self, pieces):
        some = {name: LARGE[name] for name in ("a", "b")}
        found = pack(pieces, some, xp=np)
        assert found.shape == (40100,)
        assert np.array_equal(found, pieces["a"].base[:40100])

    def test_are_copied_in_another_order(self, pieces):
        other = {name: LARGE[name] for name in ("b", "a", "c")}
        assert np.array_equal(pack(pieces, other, xp=np)[:100], pieces["b"])
