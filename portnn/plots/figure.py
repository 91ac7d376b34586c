"""`ShownFigure`: a figure that a notebook shows as a picture, whether or not pyplot has been imported."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):  # type: ignore[misc]
    """Figure that pyplot does not know, so that nothing else shows it or keeps it alive.

    Once pyplot shows figures in the notebook, its own formatter takes the place of the method here: the picture is
    then in the format that the user has chosen, and there is still only one.
    """

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png", bbox_inches="tight")
        return picture.getvalue()
