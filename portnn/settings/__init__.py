"""Settings: each declared once, with its name, type, range, default and one sentence."""

from portnn.settings.brevity import brief_fields, outline
from portnn.settings.calls import (
    caption_call,
    feature_call,
    image_call,
    labelled_call,
    settings_call,
    table_call,
    text_call,
)
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
from portnn.settings.messages import brief
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
    "caption_call",
    "checked_number",
    "declared",
    "documented",
    "feature_call",
    "finite",
    "fraction",
    "image_call",
    "labelled_call",
    "not_negative",
    "number",
    "outline",
    "own_first",
    "plain",
    "positive",
    "settings_call",
    "share",
    "shown_default",
    "switch",
    "table_call",
    "text_call",
    "whole_number",
]
