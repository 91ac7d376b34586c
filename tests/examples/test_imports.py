"""What examples and benchmarks import of portnn is there, within functions too, which no other test may call."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: path.relative_to(EXAMPLES).as_posix())
def test_names_of_portnn_are_there(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "portnn":
            module = importlib.import_module(node.module)
            missing = [name.name for name in node.names if not hasattr(module, name.name)]
            assert not missing, f"line {node.lineno}: {node.module} has no {', '.join(missing)}"
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.partition(".")[0] == "portnn":
                    importlib.import_module(name.name)
