"""Docstrings of declared settings, in numpydoc's format."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from portnn.settings.declaration import Setting, Settings, Shown, declared, own_first
from portnn.settings.ranges import Range

PLACE = "{settings}"
"""Line of a docstring that the settings replace."""

C = TypeVar("C", bound=type)


def documented(*kinds: type[Settings]) -> Callable[[C], C]:
    """Put the settings of kinds, or of the class itself, into its docstring, where it says ``{settings}``."""

    def document(owner: C) -> C:
        owner.__doc__ = filled(owner.__doc__, *(kinds or [owner]))
        if not kinds:
            owner.__signature__ = inspect.Signature(parameters(owner))  # type: ignore[attr-defined]
        return owner

    return document


def filled(docstring: str | None, *kinds: type[Settings]) -> str | None:
    """Docstring with the settings of kinds in it; None, as Python leaves it with -OO, stays None."""
    if docstring is None:
        return None
    return inspect.cleandoc(docstring).replace(
        PLACE, "\n".join(_entries(setting for kind in kinds for setting in own_first(kind)))
    )


def parameters(kind: type[Settings]) -> list[inspect.Parameter]:
    """Parameters of a kind's own constructor, with plain annotations."""
    own = inspect.Signature.from_callable(kind.__init__).parameters.values()
    return [each.replace(annotation=_annotation(kind, each.name)) for each in own if each.name != "self"]


def _annotation(kind: type[Settings], name: str) -> Any:
    setting = declared(kind)[name]
    kinds = [*setting.kinds, *([None] if setting.optional else [])]
    annotation = kinds[0]
    for other in kinds[1:]:
        annotation = annotation | other
    return annotation


def _entries(settings: Iterable[Setting]) -> Iterable[str]:
    for setting in settings:
        yield f"{setting.name} : {described_type(setting)}"
        yield f"    {setting.sentence}"


def described_type(setting: Setting) -> str:
    """Type, range and default of a setting, such as ``float in [0, 1), default 0.0``."""
    if setting.choices is not None:
        described = "{" + ", ".join(map(repr, setting.choices)) + "}"
    else:
        described = " or ".join(_name(kind) for kind in setting.kinds)
    within = setting.mark(Range)
    if within is not None:
        described += f" {within.short}"
    if setting.optional:
        described += " or None"
    shown = shown_default(setting)
    return described if shown is None else f"{described}, default {shown}"


def shown_default(setting: Setting) -> str | None:
    """Default as people read it; None if there is none."""
    shown = setting.mark(Shown)
    if shown is not None and setting.default is None:
        return str(shown.text)
    return None if setting.default is dataclasses.MISSING else repr(setting.default)


def _name(kind: Any) -> str:
    if kind is Any:
        return "object"
    if typing.get_origin(kind) is None:
        return str(getattr(kind, "__name__", kind))
    return str(kind).replace("typing.", "").replace("collections.abc.", "")
