from typing import NamedTuple

import pytest

from portnn.backends import tree_flatten, tree_map, tree_unflatten

pytestmark = pytest.mark.host


class Pair(NamedTuple):
    first: object
    second: object


TREE = {"a": (1, (2, None)), "b": Pair(3, {"c": 4}), "empty": (), "nothing": None}


def test_a_map_reaches_every_leaf_and_keeps_the_form():
    mapped = tree_map(lambda leaf: leaf * 10, TREE)
    assert mapped == {"a": (10, (20, None)), "b": Pair(30, {"c": 40}), "empty": (), "nothing": None}
    assert type(mapped["b"]) is Pair


def test_leaves_are_flattened_with_their_paths():
    flat = dict(tree_flatten(TREE, "root"))
    assert flat == {"root.a.0": 1, "root.a.1.0": 2, "root.b.0": 3, "root.b.1.c": 4}


def test_a_leaf_alone_has_the_name_itself():
    assert dict(tree_flatten(5, "x")) == {"x": 5}
    assert dict(tree_flatten(None, "x")) == {}


def test_unflattening_undoes_flattening():
    again = tree_unflatten(dict(tree_flatten(TREE, "root")), TREE, "root")
    assert again == TREE
    assert type(again["b"]) is Pair


def test_unflattening_names_the_path_that_is_missing():
    flat = dict(tree_flatten(TREE, "root"))
    del flat["root.b.1.c"]
    with pytest.raises(KeyError, match=r"root\.b\.1\.c"):
        tree_unflatten(flat, TREE, "root")
