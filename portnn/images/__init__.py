"""Images and their labels, from NumPy's files, folders of pictures and single pictures, however large they are."""

from portnn.images.labelled_images import LabelledImages
from portnn.images.layout import ImageLayout

__all__ = ["ImageLayout", "LabelledImages"]
