"""Notebooks in a kernel of their own: cells of code go in, and what each of them shows comes out."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"
WITHOUT_WIDGETS = "import sys; sys.modules['ipywidgets'] = None"


class Cell:
    """What a cell has shown.

    Attributes
    ----------
    shown : list of dict
        Its displays and its result, by their types.
    bars : list of dict
        What its progress bars were like when the notebook had ended.
    stdout, stderr : str
    error : str
        Name of its exception, or an empty text.
    """

    def __init__(self, outputs: list[Any], widgets: dict[str, Any]) -> None:
        self.shown = [
            dict(output.data) for output in outputs if output.output_type in ("display_data", "execute_result")
        ]
        boxes = [widgets[data[WIDGET]["model_id"]] for data in self.shown if WIDGET in data]
        parts = [widgets[name.removeprefix("IPY_MODEL_")] for box in boxes for name in box["state"]["children"]]
        self.bars = [part["state"] for part in parts if part["model_name"] == "FloatProgressModel"]
        self.stdout, self.stderr = (
            "".join(output.text for output in outputs if output.get("name") == name) for name in ("stdout", "stderr")
        )
        self.error = next((output.ename for output in outputs if output.output_type == "error"), "")

    @property
    def types(self) -> Counter[str]:
        """How often it has shown each type, text aside, which comes with every other."""
        return Counter(kind for data in self.shown for kind in data if kind != "text/plain")

    @property
    def text(self) -> list[str]:
        """Texts of what it has shown."""
        return [data["text/plain"] for data in self.shown]


@pytest.fixture
def run(tmp_path) -> Callable[..., list[Cell]]:
    """Run cells in a new kernel, in an empty folder."""

    def run_cells(*cells: str) -> list[Cell]:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        client = NotebookClient(
            notebook, timeout=120, allow_errors=True, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client's own
            client.create_kernel_manager()
            client.execute()
        states = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
        return [Cell(cell.outputs, states.get("state", {})) for cell in notebook.cells]

    return run_cells
