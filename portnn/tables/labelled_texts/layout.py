"""`TextLayout`: in which columns a file has its texts and labels; a model keeps it for the next file."""

from __future__ import annotations

from typing import Any, NamedTuple

from portnn.settings import brief_fields

Names = tuple[str, ...] | None


class Columns(NamedTuple):
    """Columns of a file.

    Attributes
    ----------
    names : tuple of str or None
        Their names, if it has any.
    width : int
        How many there are.
    text, label : int
        The two that hold texts and labels, counted from 0.
    """

    names: Names
    width: int
    text: int
    label: int

    @property
    def chosen_names(self) -> tuple[str, ...]:
        """Names of the two, if the file has names."""
        return () if self.names is None else (self.names[self.text], self.names[self.label])


class TextLayout(NamedTuple):
    """Where texts and labels are in a file.

    Attributes
    ----------
    columns : Columns or None
        None for a folder of classes.
    options : dict
        Options that the file was read with, other than the columns: format, delimiter, header, encoding, multi_label.
    """

    columns: Columns | None
    options: dict[str, Any]

    def __repr__(self) -> str:
        return brief_fields(self)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, from which `from_json` makes an equal layout."""
        columns = self.columns and {**self.columns._asdict(), "names": self.columns.names and list(self.columns.names)}
        return {"columns": columns, "options": dict(self.options)}

    @classmethod
    def from_json(cls, record: Any) -> TextLayout:
        """Layout from what `to_json` returned."""
        columns = record["columns"]
        if columns is not None:
            names = columns["names"]
            columns = Columns(names and tuple(names), columns["width"], columns["text"], columns["label"])
        return cls(columns, dict(record["options"]))
