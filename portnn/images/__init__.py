"""Images, their labels, features and captions, from NumPy's files, pictures and text, however large they are."""

from portnn.images.caption_files import CaptionFile
from portnn.images.feature_files import read_features
from portnn.images.labelled_images import LabelledImages
from portnn.images.layout import ImageLayout

__all__ = ["CaptionFile", "ImageLayout", "LabelledImages", "read_features"]
