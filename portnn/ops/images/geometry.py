"""Windows from the arguments of an op, checked."""

from __future__ import annotations

from portnn.backends import Array, Window
from portnn.ops.shapes import check_ndim, shape

Size = int | tuple[int, int]
Padding = int | tuple[int, int] | str


def window_over(
    operation: str, x: Array, *, kernel: Size, stride: Size, padding: Padding, dilation: Size = 1
) -> tuple[Window, tuple[int, int]]:
    """Window of an op over pictures x (batch, height, width, channels), and how many places it has, down and across.

    Raises
    ------
    ValueError
        If x has no four dimensions, a number is out of range or the window does not fit.
    """
    check_ndim(operation, "x", x, 4)
    kernel, stride = pair(operation, "kernel", kernel, 1), pair(operation, "stride", stride, 1)
    dilation = pair(operation, "dilation", dilation, 1)
    window = Window(kernel, stride, ((0, 0), (0, 0)), dilation)
    window = window._replace(padding=_margins(operation, padding, window))
    size = window.padded(*x.shape[1:3])
    places = window.places(*size)
    if min(places) < 1:
        raise ValueError(
            f"{operation}: the window spans {' x '.join(map(str, window.span))} pixels, but the pictures have only "
            f"{' x '.join(map(str, size))}{' with their padding' if window.pads else ''}: x has shape {shape(x)}"
        )
    return window, places


def pair(operation: str, name: str, value: Size, least: int) -> tuple[int, int]:
    """Return one number for rows and one for columns.

    Raises
    ------
    ValueError
        If it is neither a whole number nor two, or one is too small.
    """
    two = value if isinstance(value, tuple) else (value, value)
    if len(two) != 2 or not all(isinstance(one, int) for one in two):
        raise ValueError(f"{operation}: {name} must be a whole number or a tuple of two, got {value!r}")
    if min(two) < least:
        raise ValueError(f"{operation}: {name} must be at least {least}, got {value}")
    return two


def _margins(operation: str, padding: Padding, window: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    if isinstance(padding, str):
        if padding != "same":
            raise ValueError(f'{operation}: padding must be "same" or a number of pixels, got {padding!r}')
        if window.stride != (1, 1):
            raise ValueError(f'{operation}: padding "same" needs a stride of 1, got {window.stride}')
        around = [span - 1 for span in window.span]  # an odd pixel goes below and to the right, as in PyTorch
        return (around[0] // 2, around[0] - around[0] // 2), (around[1] // 2, around[1] - around[1] // 2)
    rows, columns = pair(operation, "padding", padding, 0)
    return (rows, rows), (columns, columns)
