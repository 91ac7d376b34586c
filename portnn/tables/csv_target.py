"""The target column of a CSV file: class labels as they were written, or numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from portnn.settings import brief
from portnn.tables.csv_cells import as_number, has_thousands_separators, is_missing, looks_like_number
from portnn.tables.csv_sheet import DELIMITERS, CsvSheet
from portnn.tables.labels import Classes, listed
from portnn.tables.tasks import has_few_values, is_whole

Host = np.ndarray[Any, Any]


def labels_as_written(cells: Sequence[str]) -> Host:
    """Class labels (rows,) of cells; they are numbers only if all of them come back as they were written.

    =============================================  =======  ===================
    every cell is                                  dtype    for example
    =============================================  =======  ===================
    an integer of 64 bits, as Python prints it     int64    ``7``, ``-20``
    a finite float, as Python prints it            float64  ``0.5``, ``1.0``
    anything else, also integers beside floats     str      ``007``, ``+1``, ``1e3``, ``1.50``, ``True``
    =============================================  =======  ===================

    Text is the only type that keeps ``01`` and ``1`` apart, or the digits of an integer beyond 64 bits. Spaces around a
    label do not count.

    Examples
    --------
    >>> labels_as_written(["3", "20", "3"]).tolist(), labels_as_written(["3", "03", "3"]).tolist()
    ([3, 20, 3], ['3', '03', '3'])
    """
    for number, dtype in ((int, np.int64), (float, np.float64)):
        labels = reversible(cells, number)
        if labels is not None:
            try:
                return np.asarray(labels, dtype)
            except OverflowError:
                break
    return np.asarray(cells, str)


def reversible(cells: Sequence[str], number: Callable[[str], float]) -> list[float] | None:
    """Numbers of cells, if each comes back as it was written and no two that differ become equal."""
    try:
        numbers = {cell: number(cell) for cell in set(cells)}
    except ValueError:
        return None
    # 0.0 and -0.0 come back, but are equal.
    if any(str(number) != cell for cell, number in numbers.items()) or len(set(numbers.values())) < len(numbers):
        return None
    return [numbers[cell] for cell in cells]


def parse_target(sheet: CsvSheet, column: int, cells: list[str], labels: str | None) -> Host:
    """Target from its cells; see `read_csv` for what `labels` says.

    Raises
    ------
    ValueError
        If a cell is missing, or no finite number where numbers are needed. The message names its line and column.
    """
    words = [cell.strip() for cell in cells]
    numbers = [as_number(word, sheet.decimal) for word in words]
    others = [word for word, number in zip(words, numbers, strict=True) if number is None]
    if labels == "classes":
        numeric = all(map(is_missing, others))
    elif labels is None:
        numeric = sum(not looks_like_number(word) for word in others) < len(words) / 2
    else:
        numeric = labels == "numbers"
    if numeric:
        # A label of so many digits that a float cannot hold them is none the worse for that.
        digits = labels == "classes"
        check_cells(sheet, column, words, lambda row: is_finite(numbers[row]) or (digits and words[row][-1:].isdigit()))
    else:
        # NumPy drops NUL characters at the end of a text.
        check_cells(sheet, column, words, lambda row: words[row] != "" and not words[row].endswith("\0"))
        return np.asarray(words)
    values = np.asarray(numbers, dtype=np.float64)
    if labels == "numbers":
        return values
    written = labels_as_written(words)
    if written.dtype.kind == "U" and labels is None and not (is_code(words) or few_whole(values, words)):
        return values
    return written


def is_finite(number: float | None) -> bool:
    """Whether a cell held a finite number."""
    return number is not None and math.isfinite(number)


def is_code(words: Sequence[str]) -> bool:
    """Whether cells are digits with zeros in front, such as 007, which stand for something and measure nothing."""
    digits = re.compile(r"[+-]?[0-9]+")
    return all(map(digits.fullmatch, words)) and any(re.match(r"[+-]?0[0-9]", word) for word in words)


def few_whole(values: Host, words: Sequence[str]) -> bool:
    """Whether numbers are whole and few, so that they are class labels."""
    return is_whole(values) and has_few_values(np.asarray(words))


def known_labels(sheet: CsvSheet, column: int, cells: list[str], classes: Classes) -> tuple[Host, str | None]:
    """Labels of a model's classes from cells.

    A cell is the class that is written like it; if the classes are numbers, also the one of the same value.

    Returns
    -------
    labels : array (rows,)
    note : str or None
        Names the first cell that is written otherwise than its class.

    Raises
    ------
    ValueError
        If a cell is none of the classes. The message names its line and column.
    """
    words = [cell.strip() for cell in cells]
    labels = classes.labels.tolist()
    written = {str(label): label for label in labels}
    kind = classes.labels.dtype.kind
    values = {} if kind == "U" else dict(zip(labels, labels, strict=True))
    number = as_number if kind == "f" else exact_number
    found = {word: written.get(word, values.get(number(word, sheet.decimal))) for word in set(words)}

    def is_known(row: int) -> bool:
        return found[words[row]] is not None

    check_cells(sheet, column, words, is_known, classes)
    other = next((row for row, word in enumerate(words) if word not in written), None)
    note = None
    if other is not None:
        place = sheet.place(sheet.line_of(other), column)
        note = f"{place}: {brief(words[other])} is taken for the class {brief(found[words[other]])}"
    return np.asarray([found[word] for word in words], classes.labels.dtype), note


def exact_number(word: str, decimal: str) -> float | None:
    """Number in a cell, or None; integers stay exact."""
    number = as_number(word, decimal)
    try:
        return number if number is None else int(word)
    except ValueError:
        return number


def check_cells(
    sheet: CsvSheet, column: int, words: list[str], is_right: Callable[[int], bool], classes: Classes | None = None
) -> None:
    """Raise ValueError for the first row whose cell is not right."""
    wrong = next((row for row in range(len(words)) if not is_right(row)), None)
    if wrong is not None:
        raise ValueError(fault(sheet, sheet.line_of(wrong), column, words[wrong], classes))


def fault(sheet: CsvSheet, line: int, column: int, cell: str, classes: Classes | None = None) -> str:
    """What is wrong with a cell of a column of numbers, or of one whose classes are known, and where it is."""
    place, word = sheet.place(line, column), cell.strip()
    number = as_number(cell, sheet.decimal)
    if is_missing(cell):
        return f"{place}: the value is missing" + (f" ({brief(word)})" if word else "")
    if classes is not None:
        alike = [label for label in classes.labels.tolist() if number is not None and as_number(str(label)) == number]
        hint = f"; is it {brief(alike[0])}?" if alike else ""
        return f"{place}: training never saw the label {brief(word)}; the classes are {listed(classes.labels)}{hint}"
    if word.endswith("\0"):
        return f"{place}: {brief(word)} ends in a NUL character"
    if number is not None:
        return f"{place}: {brief(word).strip(chr(39))} is not finite"
    hint = ""
    if has_thousands_separators(cell):
        hint = "; numbers need a decimal point and no thousands separators"
        hint += ", or --decimal , if the comma is one" if word.count(",") == 1 and "." not in word else ""
    elif looks_like_number(cell):
        mark = "," if sheet.decimal == "." else "."
        hint = f"; numbers need a decimal {'point' if mark == ',' else 'comma'}, or say --decimal {mark}"
    elif any(other in cell for other in DELIMITERS.replace(sheet.delimiter, "").strip()):
        hint = f"; is the --delimiter {brief(sheet.delimiter)}?"
    return f"{place}: {brief(word)} is text in a column of numbers{hint}"
