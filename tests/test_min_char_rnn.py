"""The example with the ops alone runs on the library under test once its import line names that library."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from portnn.backends import Backend, to_host

EXAMPLE = Path(__file__).parent.parent / "examples" / "min_char_rnn.py"
IMPORT = "import numpy as xp "
SAMPLED = "int(inputs[0]), 200)"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Five training steps with the namespace of a module: the parameters, and a sample of four characters."""
    text = tmp_path / "text.txt"
    text.write_text("hello world, how are you? " * 50, encoding="utf-8")
    source = EXAMPLE.read_text(encoding="utf-8")
    assert source.count(IMPORT) == source.count(SAMPLED) == 1

    def trained(module: str):
        script = source.replace(IMPORT, f"import {module} as xp ").replace(SAMPLED, SAMPLED.replace("200", "4"))
        monkeypatch.setattr(sys, "argv", [str(EXAMPLE), "4", str(text)])
        names = {"__name__": "__main__"}
        exec(compile(script, EXAMPLE, "exec"), names)
        return names["params"], capsys.readouterr().out.split("----")[1].strip("\n")

    return trained


def test_the_import_line_decides_the_library(backend: Backend, run) -> None:
    params, sampled = run(backend.xp.__name__)
    expected, expected_sample = run("numpy")
    assert all(type(param) is type(backend.asarray(np.zeros(1))) for param in params)
    assert sampled == expected_sample
    assert len(sampled) == 4
    # Adagrad divides small gradients by their own size, and rounding with them.
    for param, other in zip(params, expected, strict=True):
        np.testing.assert_allclose(to_host(param), other, rtol=1e-8, atol=1e-8)
