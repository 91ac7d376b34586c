"""Texts with labels, from files of several formats and folders of classes, a little at a time."""

from portnn.tables.labelled_texts.formats import FORMATS
from portnn.tables.labelled_texts.labelled_texts import LabelledText, LabelledTexts
from portnn.tables.labelled_texts.layout import TextLayout

__all__ = ["FORMATS", "LabelledText", "LabelledTexts", "TextLayout"]
