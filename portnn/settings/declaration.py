"""`Settings`: a frozen dataclass whose fields declare all there is to a setting, once.

::

    @dataclass(frozen=True, kw_only=True)
    class RunSettings(Settings):
        learning_rate: Annotated[float, positive, "Step size."] = 1e-3

From that line follow the checks, the conversion to plain Python numbers, the documentation, what a checkpoint records,
what a resumed run is compared with and the command-line options. A subclass may give a field another
default, ``learning_rate: float = 0.1``; the rest is inherited.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from portnn.settings.messages import brief
from portnn.settings.ranges import Range
from portnn.settings.scalars import checked_number, plain, switch


class OneOf(NamedTuple):
    """The setting is one of these names; a registry may still grow."""

    names: Collection[str]


class By(NamedTuple):
    """The setting is converted, and checked, by a function of its own; if it settles None, the value is never None."""

    convert: Callable[[Any], Any]
    settles_none: bool = False


class Flags(NamedTuple):
    """Names of the two options that switch a setting on and off on the command line."""

    on: str
    off: str


class Alias(NamedTuple):
    """Another, shorter name of the setting's option on the command line."""

    option: str


class Shown(NamedTuple):
    """What documentation and help show as the default, where that is None."""

    text: str


class ClassDefault(NamedTuple):
    """None stands for an attribute of the settings' class, which subclasses may change; it is shown as the default."""

    attribute: str


class Marker(NamedTuple):
    """A flag on a setting."""

    name: str


FIXED = Marker("fixed")
"""A run can be resumed only with the same value."""

TRANSIENT = Marker("transient")
"""For this call only: not recorded in checkpoints, and not a command-line option."""


@dataclass(frozen=True)
class Setting:
    """The declaration of one setting.

    Attributes
    ----------
    name, sentence : str
    kinds : tuple of type
        Python types of its values, without None.
    optional : bool
        Whether None is a value.
    default : object
        `dataclasses.MISSING` if there is none.
    marks : tuple
        What its annotation holds besides the type and the sentence.
    """

    name: str
    sentence: str
    kinds: tuple[Any, ...]
    optional: bool
    default: Any
    marks: tuple[Any, ...]

    @property
    def fixed(self) -> bool:
        """Whether a resumed run must have the same value."""
        return FIXED in self.marks

    @property
    def transient(self) -> bool:
        """Whether it belongs to one call and is not recorded."""
        return TRANSIENT in self.marks

    @property
    def choices(self) -> list[str] | None:
        """Names to choose from, or None."""
        one_of = self.mark(OneOf)
        return None if one_of is None else list(one_of.names)

    def mark(self, kind: type[Any]) -> Any:
        """The mark of a kind, or None."""
        return next((mark for mark in self.marks if isinstance(mark, kind)), None)

    def checked(self, value: Any) -> Any:
        """Return a value as a plain Python one.

        Raises
        ------
        TypeError
            If it is of the wrong kind.
        ValueError
            If it is out of range, or not one of the choices.
        """
        value = plain(value)
        by = self.mark(By)
        if value is None and self.optional and not (by is not None and by.settles_none):
            return None
        if by is not None:
            return by.convert(value)
        if self.kinds == (bool,):
            return switch(self.name, value)
        if self.kinds == (int,) or self.kinds == (float,):
            return checked_number(self.name, value, self.kinds[0], self.mark(Range))
        if any(typing.get_origin(kind) is tuple for kind in self.kinds):
            if not isinstance(value, Iterable):
                raise TypeError(f"{self.name} must be several whole numbers, got {brief(value)}")
            return tuple(checked_number(f"each of {self.name}", entry, int, self.mark(Range)) for entry in value)
        if self.choices is not None:
            if value not in self.choices:
                raise ValueError(f"unknown {self.name} {brief(value)}; known: {', '.join(self.choices)}")
        elif self.kinds == (str,) and not isinstance(value, str):
            raise TypeError(f"{self.name} must be a str, got {brief(value)}")
        return value


@dataclass(frozen=True)
class Settings:
    """Base of declared settings: fields are checked and become plain Python values.

    Raises
    ------
    TypeError
        If a value is of the wrong kind.
    ValueError
        If a value is out of its range.
    """

    def __post_init__(self) -> None:
        for setting in declared(type(self)).values():
            object.__setattr__(self, setting.name, setting.checked(getattr(self, setting.name)))

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint records, in plain JSON types."""
        return {
            setting.name: as_json(getattr(self, setting.name))
            for setting in declared(type(self)).values()
            if not setting.transient
        }

    @classmethod
    def among(cls, record: Mapping[str, Any]) -> dict[str, Any]:
        """Entries of a record that are settings of this kind."""
        return {name: record[name] for name in declared(cls) if name in record}

    def shared_with(self, kind: type[Settings]) -> dict[str, Any]:
        """Values of the settings that another kind declares, too."""
        return {name: getattr(self, name) for name in declared(kind) if name in declared(type(self))}


def declared(kind: type[Settings]) -> dict[str, Setting]:
    """Every setting of a kind by its name, in the order of its fields."""
    if kind not in _DECLARED:
        _DECLARED[kind] = {field.name: _setting(kind, field) for field in dataclasses.fields(kind) if field.init}
    return _DECLARED[kind]


_DECLARED: dict[type[Settings], dict[str, Setting]] = {}


def own_first(kind: type[Settings]) -> list[Setting]:
    """Declared settings as help and documentation list them: a class's own before those it inherits."""
    return sorted(
        declared(kind).values(), key=lambda setting: setting.name not in vars(kind).get("__annotations__", ())
    )


def as_json(value: Any) -> Any:
    """A value in plain JSON types; a mapping becomes a list of pairs, since JSON has no keys but strings."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, Mapping):
        return [[plain(key), as_json(entry)] for key, entry in value.items()]
    return [as_json(entry) for entry in value] if isinstance(value, tuple | list) else plain(value)


def _setting(kind: type[Settings], field: dataclasses.Field[Any]) -> Setting:
    marks: tuple[Any, ...] = ()
    annotation: Any = Any
    for owner in kind.__mro__:  # a subclass that only changes the default repeats no more than the type
        annotations = _annotations(owner)
        if field.name in annotations:
            annotation = annotations[field.name]
            while typing.get_origin(annotation) is not Annotated and hasattr(annotation, "__value__"):
                annotation = annotation.__value__
            if typing.get_origin(annotation) is Annotated:
                annotation, *rest = typing.get_args(annotation)
                marks = tuple(rest)
                break
    marks = tuple(
        Shown(f"{getattr(kind, mark.attribute):g}") if isinstance(mark, ClassDefault) else mark for mark in marks
    )
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    kinds = typing.get_args(annotation) if is_union else (annotation,)
    return Setting(
        name=field.name,
        sentence=next((mark for mark in marks if isinstance(mark, str)), ""),
        kinds=tuple(one for one in kinds if one is not type(None)),
        optional=type(None) in kinds,
        default=field.default,
        marks=tuple(mark for mark in marks if not isinstance(mark, str)),
    )


@functools.cache
def _annotations(owner: type) -> dict[str, Any]:
    """Annotations of a class itself, evaluated."""
    return inspect.get_annotations(owner, eval_str=True) if dataclasses.is_dataclass(owner) else {}
