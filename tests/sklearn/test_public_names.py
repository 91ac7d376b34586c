"""portnn.sklearn rests on what scikit-learn and SciPy document, so that a new version of them does not break it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import sklearn.base

import portnn.sklearn

pytestmark = pytest.mark.host

FILES = sorted(Path(portnn.sklearn.__file__).parent.glob("*.py"))

PRIVATE = {name for name in dir(sklearn.base.BaseEstimator) if re.match("_[a-z]", name)}
"""What estimators inherit, and scikit-learn may rename."""

ALLOWED: dict[str, str] = {}
"""Private names in use, and why no public one serves. So far there is no reason for any."""


def private_names(tree):
    """Private names of scikit-learn and SciPy that a file imports, overrides or looks up."""
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        for module in modules:
            if module.split(".")[0] in ("sklearn", "scipy") and re.search(r"\._[a-z]", module):
                yield module
        name = getattr(node, "attr", None) or getattr(node, "name", None) or getattr(node, "id", None)
        if name in PRIVATE:
            yield name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_no_private_name_is_used_without_a_reason(file):
    assert [name for name in private_names(ast.parse(file.read_text(encoding="utf-8"))) if name not in ALLOWED] == []


@pytest.mark.parametrize(
    "line",
    [
        "from sklearn.utils._param_validation import Interval",
        "from sklearn.utils import _safe_indexing",
        "import scipy.sparse._csr",
        "self._validate_params()",
        "def _repr_mimebundle_(self): ...",
    ],
)
def test_the_search_finds_them(line):
    assert len(list(private_names(ast.parse(line)))) == 1
