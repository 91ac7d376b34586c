"""`Window`: the geometry of a convolution or pooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

Pair = tuple[int, int]


class Window(NamedTuple):
    """A window that moves over pictures.

    Attributes
    ----------
    kernel, stride, dilation : tuple of int
        Of rows and of columns: positions that it sees, steps from place to place, and pixels from one position to the
        next.
    padding : tuple of tuples of int
        Pixels above and below, and left and right.
    """

    kernel: Pair
    stride: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)

    @property
    def positions(self) -> int:
        """Number of pixels that it sees at a time."""
        return self.kernel[0] * self.kernel[1]

    @property
    def pads(self) -> bool:
        """Whether there is any padding."""
        return self.padding != ((0, 0), (0, 0))

    @property
    def span(self) -> Pair:
        """Rows and columns from its first pixel to its last."""
        (rows, columns), (down, across) = self.kernel, self.dilation
        return (rows - 1) * down + 1, (columns - 1) * across + 1

    @property
    def overlaps(self) -> bool:
        """Whether two of its places may share a pixel."""
        return any(span > stride for span, stride in zip(self.span, self.stride, strict=True))

    def padded(self, height: int, width: int) -> Pair:
        """Height and width of pictures of that size with the padding."""
        return height + sum(self.padding[0]), width + sum(self.padding[1])

    def places(self, height: int, width: int) -> Pair:
        """Number of places, down and across, in padded pictures of that size; not positive if it does not fit."""
        down, across = (
            (size - span) // stride + 1
            for size, span, stride in zip((height, width), self.span, self.stride, strict=True)
        )
        return down, across

    def slices(self, height: int, width: int) -> Iterator[tuple[slice, slice]]:
        """Rows and columns that each of its positions sees of padded pictures of that size."""
        down, across = self.places(height, width)
        for row in range(0, self.span[0], self.dilation[0]):
            for column in range(0, self.span[1], self.dilation[1]):
                yield (
                    slice(row, row + (down - 1) * self.stride[0] + 1, self.stride[0]),
                    slice(column, column + (across - 1) * self.stride[1] + 1, self.stride[1]),
                )

    def view(self, shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shape and strides of a view of its patches, which overlap, from those of pictures; reshaping then copies.

        Without dilation a row of the window is a run of memory, and one axis.
        """
        (count, *size, channels), (of_picture, of_row, of_column, of_channel) = shape, strides
        between = of_row * self.stride[0], of_column * self.stride[1]
        within = of_row * self.dilation[0], of_column * self.dilation[1], of_channel
        places = (count, *self.places(*size))
        rows, columns = self.kernel
        if within[1] == channels * of_channel:
            return (*places, rows, columns * channels), (of_picture, *between, within[0], of_channel)
        return (*places, rows, columns, channels), (of_picture, *between, *within)
