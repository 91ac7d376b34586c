"""A JSON object a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NoReturn

from portnn.settings import brief
from portnn.tables.content import Advance, Content
from portnn.tables.labelled_texts.columns import SAMPLE
from portnn.tables.labelled_texts.file import LabelledFile, Options, Row
from portnn.tables.labels import listed

_HALF = re.compile("[\ud800-\udfff]")


class Literal(str):
    """A number as the file writes it."""

    __slots__ = ()


class JsonLines(LabelledFile):
    """A file of lines such as ``{"text": "a gem", "label": 1}``; its columns are the fields of the first object."""

    def __init__(self, content: Content, options: Options) -> None:
        self.name, self.size = content.name, content.size
        self._content = content
        self._encoding = content.encoding(options.encoding)
        with content.text(self._encoding) as text:
            lines = [(number, line) for number, line in islice(enumerate(text, 1), SAMPLE)]
        content.check_text((line for _, line in lines), self._encoding)
        sample = [found for _, found in self._objects(line for _, line in lines)]
        if not sample:
            raise ValueError(f"{self.name} is empty")
        names = tuple(sample[0])
        cells = [[as_cell(found.get(name)) for name in names] for found in sample]
        self.columns = options.wanted.locate(self.name, names, len(names), cells, multi_label=options.multi_label)
        self._fields = names[self.columns.text], names[self.columns.label]

    def rows(self, advance: Advance | None = None) -> Iterator[Row]:
        """Objects, each with the number of its line."""
        text_name, label_name = self._fields
        with self._content.text(self._encoding, advance) as text:
            for line, found in self._objects(text):
                for name in (text_name, label_name):
                    if found.get(name) is None:
                        raise ValueError(f"{self.place(line)}: {self._missing(found, name)}")
                if type(found[text_name]) is not str:
                    raise ValueError(f"{self.place(line)}: {brief(text_name)} is {kind_of(found[text_name])}, not text")
                yield Row(line, whole(found[text_name]), self._label(line, label_name, found[label_name]))

    def _objects(self, text: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            try:
                found = json.loads(line, parse_int=Literal, parse_float=Literal, parse_constant=_no_constant)
            except (ValueError, RecursionError) as error:
                raise ValueError(
                    f"{self.place(number)} is not JSON ({brief_error(error)}); each line must hold one object"
                ) from None
            if not isinstance(found, dict):
                raise ValueError(f"{self.place(number)} is {kind_of(found)}, not an object with a text and a label")
            yield number, found

    def _label(self, line: int, name: str, value: Any) -> str | list[str]:
        values = value if isinstance(value, list) else [value]
        wrong = next((each for each in values if not isinstance(each, str | bool)), value)
        if wrong is not value or isinstance(value, dict):
            raise ValueError(f"{self.place(line)}: {brief(name)} holds {kind_of(wrong)}, not labels")
        labels = [as_cell(each) for each in values]
        return labels if isinstance(value, list) else labels[0]

    @staticmethod
    def _missing(found: dict[str, Any], name: str) -> str:
        if name in found:
            return f"{brief(name)} is null"
        return f"no field {brief(name)}" + (f"; it has {listed(found)}" if found else "")


def as_cell(value: Any) -> str:
    """A value as a table would write it; empty for what is no text, number or truth value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(as_cell, value))
    return whole(str(value)) if isinstance(value, str) else ""


def whole(text: str) -> str:
    """Text with a replacement character for half a character, which JSON can write as an escape."""
    return _HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def kind_of(value: Any) -> str:
    """What a value is, in the words of JSON."""
    if value is None:
        return "null"
    kinds = {Literal: "a number", str: "a string", bool: "true or false", list: "an array", dict: "an object"}
    return kinds[type(value)]


def brief_error(error: Exception) -> str:
    """What is wrong with a line of JSON, without the line."""
    return f"{error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else str(error)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
