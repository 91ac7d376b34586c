"""Private names of other libraries: few, each found in the source, and each still there where its library is."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import portnn

SOURCE = Path(portnn.__file__).parent
HERE = {"scipy", "sklearn"}
"""Libraries that every environment of the NumPy suite has; others are looked into where they are installed."""


class Private(NamedTuple):
    """A name that another library has not published, and where it is used."""

    library: str
    name: str
    where: str


def is_private(dotted):
    return any(part.startswith("_") and not part.startswith("__") for part in dotted.split("."))


def private_names(root, own):
    """Every import of a private name, or from a private module, of another library; and its private attributes."""
    found = []
    for path in sorted(root.rglob("*.py")):
        where, modules = str(path.relative_to(root)), {}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                modules |= {alias.asname or alias.name: name for alias, name in zip(node.names, names, strict=True)}
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
                modules |= {alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names}
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                names = [f"{modules[node.value.id]}.{node.attr}"]
            found += [Private(name.split(".")[0], name, where) for name in names if is_private(name)]
    return [private for private in found if private.library not in {own, *sys.stdlib_module_names}]


def resolve(dotted):
    """Object of a dotted name, whatever of it is a module."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            value = getattr(value, part)
        return value
    raise ModuleNotFoundError(f"there is nothing called {dotted}")


@pytest.mark.parametrize("private", private_names(SOURCE, "portnn"), ids=lambda private: private.name)
def test_a_private_name_of_another_library_is_still_there(private):
    if private.library not in HERE and importlib.util.find_spec(private.library) is None:
        pytest.skip(f"{private.library} is not installed; its own session looks")
    assert resolve(private.name) is not None, f"portnn/{private.where} uses it"


@pytest.mark.host
def test_such_names_are_found_in_a_source(tmp_path):
    (tmp_path / "uses.py").write_text(
        "import own._mine\nimport a._b\nimport numpy as np\nfrom c import _d as e, f\nfrom g._h import i\n"
        "from own import _x\nfrom os import _exit\nfrom j import k\nnp._core.x\nk._l\nself._own\nnp.__version__\n",
        encoding="utf-8",
    )
    found = {private.name for private in private_names(tmp_path, "own")}
    assert found == {"a._b", "c._d", "g._h.i", "numpy._core", "j.k._l"}


@pytest.mark.host
def test_a_name_that_has_moved_is_missed():
    assert resolve("scipy.sparse._sparsetools.csc_matvecs") is not None
    for moved in ("scipy.sparse._sparsetools.csc_moved", "scipy.sparse._moved.csc_matvecs", "no_such_library._x"):
        with pytest.raises((AttributeError, ModuleNotFoundError)):
            resolve(moved)
