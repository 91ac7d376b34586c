"""The figure that plots are drawn on: a picture to a notebook, and no one else's."""

from __future__ import annotations

import io
import pickle
import struct

import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from portnn.plots import plot_loss

pytestmark = pytest.mark.host
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def test_a_notebook_is_given_one_picture() -> None:
    png = plot_loss([3.0, 2.0, 1.0])._repr_png_()
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(SIGNATURE)
    assert 600 < width < 800
    assert 350 < height < 500


def test_it_can_be_written_and_pickled() -> None:
    figure = pickle.loads(pickle.dumps(plot_loss([3.0, 2.0, 1.0])))
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(SIGNATURE)
    for form, first in (("png", SIGNATURE), ("pdf", b"%PDF"), ("svg", b"<?xml")):
        figure.savefig(written := io.BytesIO(), format=form)
        assert written.getvalue().startswith(first)


def test_pyplot_neither_shows_it_nor_keeps_it_alive() -> None:
    before = pyplot.get_fignums()
    plot_loss([3.0, 2.0, 1.0])
    assert pyplot.get_fignums() == before
