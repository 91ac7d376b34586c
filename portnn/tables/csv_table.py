"""`read_csv`: numbers and labels of a CSV file, by NumPy's parser; if that fails, row by row to find the fault."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from portnn.tables.csv_cells import as_number, is_missing, looks_like_number
from portnn.tables.csv_sheet import DELIMITERS, CsvSheet, not_in_encoding
from portnn.tables.table import Table

Host = np.ndarray[Any, Any]


def read_csv(
    sheet: CsvSheet, features: Sequence[int], targets: Sequence[int] | None = None, *, labels: str | None = None
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
        What a single target holds. "classes" means numbers, unless a cell is text. By default it holds numbers if more
        than half of its cells look like numbers, else text.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        If there are no rows, a row has another length, or a cell is missing, text among numbers, NaN or infinity.
        The message names the line, as an editor counts it, and the column.

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
    try:
        values, cells = parse(sheet, numbers, single) or parse_by_row(sheet, numbers, single)
    except UnicodeError:
        raise ValueError(not_in_encoding(sheet.name, sheet.data, sheet.encoding)) from None
    except csv.Error as error:
        raise ValueError(f"{sheet.name}: {error}") from error
    x, y = np.ascontiguousarray(values[:, : len(features)]), values[:, len(features) :]
    if single is not None:
        y = parse_target(sheet, single, cells, labels)
    names = sheet.names
    return Table(
        x,
        y if targets else None,
        names and tuple(names[column] for column in features),
        names and tuple(names[column] for column in targets),
        sheet.name,
    )


def parse(sheet: CsvSheet, numbers: Sequence[int], single: int | None) -> tuple[Host, list[str]] | None:
    """Values of some columns (rows, n) and the cells of a single one, by NumPy's parser; None if it fails."""
    # All columns are read: if some were left out, a row that is too long would pass.
    dtype = np.dtype([(str(column), "f8" if column in numbers else "O") for column in range(sheet.width)])
    dialect: dict[str, Any] = {"comments": None, "delimiter": sheet.delimiter, "quotechar": '"'}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it warns if a file has no rows
            table = np.loadtxt(sheet.text(), dtype, skiprows=sheet.skip, ndmin=1, **dialect)
    except UnicodeError:
        raise
    except (ValueError, UserWarning):
        return None
    values = np.empty((len(table), len(numbers)))
    for position, column in enumerate(numbers):
        values[:, position] = table[str(column)]
    if not np.all(np.isfinite(values)):
        return None
    text = [name for name in dtype.names or () if dtype[name] == "O"]
    if any(quoted_after_space(cell) for name in text for cell in table[name].tolist()):
        return None
    return values, [] if single is None else table[str(single)].tolist()


def quoted_after_space(cell: str) -> bool:
    """Whether spaces precede an opening quote, which NumPy's parser would take for part of the text."""
    return cell.startswith(" ") and cell.lstrip(" ").startswith('"')


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


def parse_target(sheet: CsvSheet, column: int, cells: list[str], labels: str | None) -> Host:
    """Cells of the target, as numbers or as text."""
    words = [cell.strip() for cell in cells]
    numbers = [as_number(word) for word in words]
    others = [word for word, number in zip(words, numbers, strict=True) if number is None]
    if labels == "classes":
        labels = "numbers" if all(map(is_missing, others)) else "text"
    elif labels is None:
        labels = "numbers" if sum(not looks_like_number(word) for word in others) < len(words) / 2 else "text"
    if labels == "numbers":
        if not all(number is not None and math.isfinite(number) for number in numbers):
            for (line, _), word in zip(sheet.rows(), words, strict=True):
                parse_number(sheet, line, column, word)
        return np.asarray(numbers, dtype=np.float64)
    if "" in words:
        line, _ = next(islice(sheet.rows(), words.index(""), None))
        raise ValueError(f"{sheet.name}: line {line}, {sheet.column(column)}: the value is missing")
    return np.asarray(words)


def parse_number(sheet: CsvSheet, line: int, column: int, cell: str) -> float:
    """Number in a cell of a column of numbers; raises ValueError with the place of the cell."""
    number = as_number(cell)
    if number is not None and math.isfinite(number):
        return number
    place = f"{sheet.name}: line {line}, {sheet.column(column)}"
    if is_missing(cell):
        raise ValueError(f"{place}: the value is missing" + (f" ({cell.strip()!r})" if cell.strip() else ""))
    if number is not None:
        raise ValueError(f"{place}: {cell.strip()} is not finite")
    hint = ""
    if looks_like_number(cell):
        hint = "; numbers need a decimal point"
    elif any(other in cell for other in DELIMITERS.replace(sheet.delimiter, "").strip()):
        hint = f"; is the --delimiter {sheet.delimiter!r}?"
    raise ValueError(f"{place}: {cell.strip()!r} is text in a column of numbers{hint}")
