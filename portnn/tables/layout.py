"""`Layout`: which columns of a file are features and which are targets; a model keeps it for the next file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from portnn.settings import brief, brief_fields
from portnn.tables.labels import listed

Names = tuple[str, ...] | None


class Layout(NamedTuple):
    """Where the features and targets of a table are in its file.

    Attributes
    ----------
    names : tuple of str or None
        Names of all columns of the file, if it had a header.
    features, targets : tuple of int
        Numbers of the columns, from 0. A separate array of targets counts as columns after the features.
    options : dict of str to str or bool
        Options that were needed to read the file, such as its encoding.
    test : float
        Fraction of the rows that are kept for a test at the end: they neither train nor choose a checkpoint.
    """

    names: Names
    features: tuple[int, ...]
    targets: tuple[int, ...]
    options: dict[str, Any]
    test: float = 0.0

    def __repr__(self) -> str:
        return brief_fields(self)

    @classmethod
    def of(cls, names: Names, width: int, targets: Sequence[str], options: dict[str, Any], file: str) -> Layout:
        """Layout of a file in which all columns but the targets are features.

        Parameters
        ----------
        names : tuple of str or None
            Names of its columns.
        width : int
            Number of its columns.
        targets : sequence of str
            Names of columns, or their numbers from 1; if empty, the target is the last column.
        options : dict
        file : str
            Name of the file for messages.

        Raises
        ------
        ValueError
            If a target is not a column of the file, or no column is left for the features.
        """
        chosen = tuple(column_number(target, names, width, file) for target in targets) or (width - 1,)
        if len(set(chosen)) < len(chosen):
            raise ValueError(f"{file}: a target is named twice: {listed(targets)}")
        features = tuple(column for column in range(width) if column not in chosen)
        if not features:
            raise ValueError(f"{file}: all {width} columns are targets, so none is left to predict from")
        return cls(names, features, chosen, options)

    @property
    def feature_names(self) -> Names:
        """Names of the features, if the file had a header."""
        return self.names and tuple(self.names[column] for column in self.features)

    @property
    def target_names(self) -> Names:
        """Names of the targets, if the file had a header."""
        return self.names and tuple(self.names[column] for column in self.targets)

    def find(
        self, names: Names, width: int, file: str, *, targets: bool
    ) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
        """Columns of another file that hold the features and the targets, by name if both files have a header.

        Parameters
        ----------
        names, width, file
            As for `of`.
        targets : bool
            Whether the targets are needed. If not, the file may hold the features alone.

        Returns
        -------
        features : tuple of int
        targets : tuple of int, or None if they are not needed

        Raises
        ------
        ValueError
            If a column is missing, or the number of columns without names differs.
        """
        if names is not None and self.names is not None:
            wanted = (*(self.feature_names or ()), *((self.target_names or ()) if targets else ()))
            missing = [name for name in wanted if name not in names]
            if missing:
                raise ValueError(f"{file} has no column {listed(missing)}; it has {listed(names)}")
            columns = tuple(map(names.index, wanted))
            return columns[: len(self.features)], columns[len(self.features) :] if targets else None
        whole = len(self.features) + len(self.targets)
        if width == whole:
            return self.features, self.targets if targets else None
        if width == len(self.features) and not targets:
            return tuple(range(width)), None
        expected = f"{whole} with its targets" if targets else f"{len(self.features)} features"
        raise ValueError(f"{file} has {width} columns, but the model expects {expected}")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes an equal layout."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self._asdict().items()}

    @classmethod
    def from_json(cls, record: Any) -> Layout:
        """Layout from what `to_json` returned."""
        names = record["names"]
        return cls(
            names and tuple(names),
            tuple(record["features"]),
            tuple(record["targets"]),
            record["options"],
            record.get("test", 0.0),
        )


def column_number(target: str, names: Names, width: int, file: str) -> int:
    """Number, from 0, of a column given by its name or its number from 1."""
    if names is not None and target in names:
        return names.index(target)
    if target.isdecimal() and 1 <= int(target) <= width:
        return int(target) - 1
    known = f"its columns are {listed(names)}," if names else "it has no header; its columns are"
    raise ValueError(f"{file} has no column {brief(target)}; {known} numbered from 1 to {width}")
