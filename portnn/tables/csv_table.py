"""`read_csv`: numbers and labels of a CSV file, by NumPy's parser; if that fails, row by row to find the fault."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from portnn.tables.csv_cells import as_number
from portnn.tables.csv_sheet import CsvSheet
from portnn.tables.csv_target import fault, known_labels, parse_target
from portnn.tables.labels import Classes
from portnn.tables.table import Table

Host = np.ndarray[Any, Any]


def read_csv(
    sheet: CsvSheet,
    features: Sequence[int],
    targets: Sequence[int] | None = None,
    *,
    labels: str | None = None,
    classes: Classes | None = None,
) -> Table:
    r"""Read some columns of a CSV file.

    Parameters
    ----------
    sheet : CsvSheet
        What `open_csv` returned.
    features : sequence of int
        Columns of numbers that become `x`.
    targets : sequence of int, optional
        Columns that become `y`; if there are several, all hold numbers.
    labels : {"text", "numbers", "classes"}, optional
        What a single target holds. "classes" are numbers if all of them come back as they were written, else text; see
        ``portnn.tables.csv_target.labels_as_written``. By default they are also numbers if more than half of the cells
        look like numbers, unless these are few whole numbers, or have zeros in front as codes do.
    classes : Classes, optional
        All labels that a single target may hold.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If there are no rows, a row has another length, or a cell is missing, text among numbers, NaN, infinity, or none
        of the classes. The message names the line, as an editor counts it, and the column.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from portnn.tables import open_csv, read_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "trees.csv")
    ...     _ = path.write_text("width,kind,height\n1.5,oak,2\n3,elm,4\n")
    ...     table = read_csv(open_csv(path), features=[0, 2], targets=[1])
    >>> table.x.tolist(), table.y.tolist(), table.feature_names
    ([[1.5, 2.0], [3.0, 4.0]], ['oak', 'elm'], ('width', 'height'))
    """
    targets = () if targets is None else tuple(targets)
    single = targets[0] if len(targets) == 1 else None
    numbers = (*features, *(targets if single is None else ()))
    values, cells = parse(sheet, numbers, single) or parse_by_row(sheet, numbers, single)
    x, y = np.ascontiguousarray(values[:, : len(features)]), values[:, len(features) :]
    note = None
    if single is not None and classes is not None:
        y, note = known_labels(sheet, single, cells, classes)
    elif single is not None:
        y = parse_target(sheet, single, cells, labels)
    names = sheet.names
    return Table(
        x,
        y if targets else None,
        names and tuple(names[column] for column in features),
        names and tuple(names[column] for column in targets),
        sheet.name,
        note,
    )


def parse(sheet: CsvSheet, numbers: Sequence[int], single: int | None) -> tuple[Host, list[str]] | None:
    """Values of some columns (rows, n) and the cells of a single one, by NumPy's parser; None if it fails."""
    if sheet.delimiter == " ":
        with sheet.text() as text:
            if any("  " in line or line[0] == " " for line in text):
                return None  # it would find empty cells between spaces
    # All columns are read: if some were left out, a row that is too long would pass.
    dtype = np.dtype([(str(column), "f8" if column in numbers else "O") for column in range(sheet.cells)])
    dialect: dict[str, Any] = {"comments": None, "delimiter": sheet.delimiter, "quotechar": '"'}
    if sheet.decimal != ".":
        dialect["converters"] = dict.fromkeys(numbers, converter(sheet.decimal))
    try:
        with warnings.catch_warnings(), sheet.text() as text:
            warnings.simplefilter("error")  # it warns if a file has no rows
            table = np.loadtxt(text, dtype, ndmin=1, **dialect)
    except (ValueError, UserWarning):
        return None  # reading by row finds the place, also of bytes that are not in the encoding
    values = np.empty((len(table), len(numbers)))
    for position, column in enumerate(numbers):
        values[:, position] = table[str(column)]
    if not np.all(np.isfinite(values)):
        return None
    words = [name for name in dtype.names or () if dtype[name] == "O"]
    if any(needs_rows(cell) for name in words for cell in table[name].tolist()):
        return None
    return values, [] if single is None else table[str(single)].tolist()


def converter(decimal: str) -> Callable[[str], float]:
    """Reader of numbers with another decimal mark, for NumPy's parser."""

    def convert(cell: str) -> float:
        number = as_number(cell, decimal)
        if number is None:
            raise ValueError("not a number")
        return number

    return convert


def needs_rows(cell: str) -> bool:
    """Whether NumPy's parser may have misread a cell: spaces before a quote are no text, and quotes must be closed."""
    return "\n" in cell or (cell.startswith(" ") and cell.lstrip(" ").startswith('"'))


def parse_by_row(sheet: CsvSheet, numbers: Sequence[int], single: int | None) -> tuple[Host, list[str]]:
    """What `parse` returns; raises ValueError with the place of the first fault."""
    values, cells = [], []
    for line, row in sheet.rows():
        values.append([parse_number(sheet, line, column, row[column]) for column in numbers])
        if single is not None:
            cells.append(row[single])
    if not values:
        raise ValueError(f"{sheet.name} has {'a header but ' if sheet.names else ''}no rows")
    return np.asarray(values, dtype=np.float64).reshape(len(values), len(numbers)), cells


def parse_number(sheet: CsvSheet, line: int, column: int, cell: str) -> float:
    """Number in a cell of a column of numbers; raises ValueError with the place of the cell."""
    number = as_number(cell, sheet.decimal)
    if number is None or not math.isfinite(number):
        raise ValueError(fault(sheet, line, column, cell))
    return number
