"""Settings: each declared once, with its name, type, range, default and one sentence."""

from portnn.settings.brevity import brief, brief_fields
from portnn.settings.calls import constructor, table_call, text_call
from portnn.settings.declaration import (
    FIXED,
    TRANSIENT,
    Alias,
    By,
    ClassDefault,
    Flags,
    OneOf,
    Setting,
    Settings,
    Shown,
    as_json,
    declared,
    own_first,
)
from portnn.settings.documentation import documented, shown_default
from portnn.settings.ranges import Range, above_zero, finite, fraction, not_negative, positive, share
from portnn.settings.scalars import checked_number, number, plain, switch, whole_number

__all__ = [
    "FIXED",
    "TRANSIENT",
    "Alias",
    "By",
    "ClassDefault",
    "Flags",
    "OneOf",
    "Range",
    "Setting",
    "Settings",
    "Shown",
    "above_zero",
    "as_json",
    "brief",
    "brief_fields",
    "checked_number",
    "constructor",
    "declared",
    "documented",
    "finite",
    "fraction",
    "not_negative",
    "number",
    "own_first",
    "plain",
    "positive",
    "share",
    "shown_default",
    "switch",
    "table_call",
    "text_call",
    "whole_number",
]
