"""Trees of arrays: tuples, named tuples and dicts of them, with None for what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Tree of the same structure, with `function(array, ...)` of the arrays at the same place in every tree."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {name: tree_map(function, branch, *(other[name] for other in others)) for name, branch in tree.items()}
    if isinstance(tree, tuple):
        branches = (tree_map(function, *places) for places in zip(tree, *others, strict=True))
        return type(tree)(*branches) if hasattr(tree, "_fields") else tuple(branches)
    return function(tree, *others)


def tree_flatten(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every array with its path, joined by dots: ``carry.0.1``, ``optimizer.sum.output.weight``."""
    if isinstance(tree, dict):
        for key, branch in tree.items():
            yield from tree_flatten(branch, f"{name}.{key}")
    elif isinstance(tree, tuple):
        for index, branch in enumerate(tree):
            yield from tree_flatten(branch, f"{name}.{index}")
    elif tree is not None:
        yield name, tree


def tree_unflatten(arrays: dict[str, Any], like: Any, name: str) -> Any:
    """Tree with the structure of `like` from what `tree_flatten` gave; KeyError names a missing path."""
    if isinstance(like, dict):
        return {key: tree_unflatten(arrays, branch, f"{name}.{key}") for key, branch in like.items()}
    if isinstance(like, tuple):
        branches = (tree_unflatten(arrays, branch, f"{name}.{i}") for i, branch in enumerate(like))
        return type(like)(*branches) if hasattr(like, "_fields") else tuple(branches)
    return None if like is None else arrays[name]
