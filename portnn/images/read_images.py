"""`ReadImages`: what reading any kind of file ends in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from portnn.images.layout import ImageLayout

Host = np.ndarray[Any, Any]


class ReadImages(NamedTuple):
    """Images as they were read; see `LabelledImages`."""

    images: Host
    labels: Host | None
    names: Sequence[str]
    layout: ImageLayout
