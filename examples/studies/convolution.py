r"""
10. A convolution: one neuron at every place
============================================

A convolution looks at a picture through a small window. At each place of the window, one neuron with always the same
weights sees the pixels in it, and its outputs are a new picture. This one is small enough for a pencil, five by five
pixels and a window of three by three, and comes out as in `portnn.ops`. Max pooling follows.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import portnn
from portnn import ops
from portnn.plots.palette import COLOURS, tint

x = np.asarray([[0, 1, 2, 0, 1], [2, 1, 0, 1, 0], [0, 2, 1, 2, 1], [1, 0, 2, 0, 1], [0, 1, 0, 1, 2.0]])
kernel = np.asarray([[1, 0, -1], [0, 2, 1], [-1, 0, 1.0]])
bias = 0.5

# %%
# Padding and stride
# ------------------
#
# In a row of five pixels, a window of three has three places: it can start at the first, second or third pixel. Two
# settings change that. **Padding** surrounds the picture with zeros, so that the window may look over its edge. The
# **stride** is how far the window moves from one place to the next. With :math:`n` pixels, a window of :math:`k`, a
# padding of :math:`p` on either side and a stride of :math:`s`, the last place must not start later than at
# :math:`n + 2 p - k`, counted from 0, so the number of places, with the division rounded down, is
#
# .. math:: m = \left\lfloor \frac{n + 2 p - k}{s} \right\rfloor + 1

for padding, stride in ((0, 1), (1, 1), (0, 2), (1, 2)):
    m = (5 + 2 * padding - 3) // stride + 1
    found, _ = ops.conv2d(x[None, :, :, None], kernel[:, :, None, None], stride=stride, padding=padding)
    assert found.shape == (1, m, m, 1)
    print(f"padding {padding}, stride {stride}: {m} by {m} places")

# %%
# From here on, the padding is 1 and the stride 2. The padded picture :math:`X` has seven by seven pixels, and place
# :math:`(i, j)` of the window starts in its row :math:`2 i` and column :math:`2 j`, all counted from 0.

STRIDE, PADDING = 2, 1
X = np.pad(x, PADDING)
places = [(i, j) for i in range(3) for j in range(3)]


def window(i, j):
    """Rows and columns of the padded picture that place (i, j) sees."""
    return slice(STRIDE * i, STRIDE * i + 3), slice(STRIDE * j, STRIDE * j + 3)


def in_line(block, form="4.0f"):
    """Rows of a block of numbers side by side."""
    return " |".join("".join(f"{value + 0.0:{form}}" for value in row) for row in block)


# %%
# Forward
# -------
#
# What the window sees is a **patch**. It is multiplied by the kernel number by number, and the sum of the products and
# a bias is the output, as in any neuron. (In mathematics, a convolution first turns the kernel by half a turn. Where
# weights are learned, this is of no use.)
#
# .. math:: y_{ij} = b + \sum_{k, l} X_{2i + k, \, 2j + l} \, W_{kl}

y = np.zeros((3, 3))
print(f"place     {'patch':44}{'products':44}y")
for i, j in places:
    products = X[window(i, j)] * kernel
    y[i, j] = np.sum(products) + bias
    print(f"({i}, {j})  {in_line(X[window(i, j)])}    {in_line(products)}  {y[i, j]:5.1f}")

# %%
# The window at the place in the middle:


def draw_cells(ax, numbers, title, colours, frame=0):
    """Draw numbers in cells; `colours` are those of some places, by number, and the outer `frame` cells are grey."""
    down, across = numbers.shape
    for (row, column), value in np.ndenumerate(numbers):
        inside = frame <= row < down - frame and frame <= column < across - frame
        face = tint(colours[row, column]) if (row, column) in colours else "white" if inside else "0.92"
        ax.add_patch(Rectangle((column, row), 1, 1, fc=face, ec="0.6", lw=0.8))
        text = f"{value + 0.0:g}".replace("-", "\u2212")
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", color="black" if inside else "0.5")
    ax.set(xlim=(-0.1, across + 0.1), ylim=(down + 0.1, -0.1), aspect="equal", anchor="N")
    ax.set_title(title, fontsize=11)
    ax.set_axis_off()


def outline(ax, i, j, colour, inset):
    """Outline what place (i, j) sees."""
    corner, side = (STRIDE * j + inset, STRIDE * i + inset), 3 - 2 * inset
    ax.add_patch(Rectangle(corner, side, side, fc="none", ec=COLOURS[colour], lw=2.5, zorder=3))


products = X[window(1, 1)] * kernel
figure = Figure(figsize=(11, 4.0), layout="constrained")
axes = figure.subplots(1, 4, width_ratios=(7, 3, 3, 3))
draw_cells(axes[0], X, "picture with its padding", {}, frame=PADDING)
outline(axes[0], 1, 1, 0, 0.0)
draw_cells(axes[1], kernel, "kernel", {})
draw_cells(axes[2], products, "products", {})
axes[2].text(1.5, 3.3, f"sum {np.sum(products):g}, bias {bias}", ha="center", va="top")
draw_cells(axes[3], y, "output", {(1, 1): 0})
figure.savefig("convolution_forward.png", dpi=144)

# %%
# Backward: the kernel
# --------------------
#
# From above comes the gradient :math:`dy` of some cost with respect to every output; here it is made up. All places
# share the weights, so there is a way from a weight to the cost through every output, and the chain rule adds up all
# ways. In :math:`y_{ij}`, the weight :math:`W_{kl}` is multiplied by one pixel, which is its local gradient:
#
# .. math::
#
#    \frac{\partial y_{ij}}{\partial W_{kl}} = X_{2i + k, \, 2j + l}, \qquad
#    dW_{kl} = \sum_{i, j} dy_{ij} \, X_{2i + k, \, 2j + l}, \qquad
#    db = \sum_{i, j} dy_{ij}
#
# So every patch is taken times the gradient at its place, and the sums are the gradients of bias and kernel.

dy = np.asarray([[1, -1, 0], [2, 1, -1], [0, 0.5, -2]])
dkernel, dbias = np.zeros((3, 3)), np.sum(dy)
print("place     dy   patch times dy")
for i, j in places:
    share = dy[i, j] * X[window(i, j)]
    dkernel += share
    print(f"({i}, {j})  {dy[i, j]:4.1f}  {in_line(share, '6.1f')}")
print(f"sum     {dbias:4.1f}  {in_line(dkernel, '6.1f')}")

# %%
# Backward: the picture
# ---------------------
#
# Now the other factor. In :math:`y_{ij}` every pixel of the patch is multiplied by a weight, so place :math:`(i, j)`
# says of the pixels that it sees: your gradient is :math:`dy_{ij}` times the kernel. Several windows may see a pixel,
# and each has its say. We start from zeros, go through the places, and add:
#
# .. math:: dX_{2i + k, \, 2j + l} \leftarrow dX_{2i + k, \, 2j + l} + dy_{ij} \, W_{kl}

dX = np.zeros((7, 7))
for i, j in places:
    dX[window(i, j)] += dy[i, j] * kernel
dx = dX[PADDING:-PADDING, PADDING:-PADDING]  # the padding is no part of the picture
print(dx + 0.0)

# %%
# The pixel in row 1 and column 1 of the picture, for example, is seen by four windows, by each in another corner. Each
# window has the colour of its output, and of the weight by which it multiplies the pixel.

seeing = {(0, 0): (2, 2), (0, 1): (2, 0), (1, 0): (0, 2), (1, 1): (0, 0)}  # place of the window: the pixel in it
for place, corner in seeing.items():
    print(f"place {place} says {dy[place]:4.1f} * {kernel[corner]:4.1f} = {dy[place] * kernel[corner]:4.1f}")
assert dx[1, 1] == sum(dy[place] * kernel[corner] for place, corner in seeing.items())

figure = Figure(figsize=(11, 4.0), layout="constrained")
axes = figure.subplots(1, 4, width_ratios=(7, 3, 3, 5))
draw_cells(axes[0], X, "picture: four windows see one pixel", {(2, 2): 3}, frame=PADDING)
colours = dict(zip(seeing, (0, 1, 2, 4), strict=True))
for (place, colour), inset in zip(colours.items(), (0.06, 0.12, 0.12, 0.06), strict=True):
    outline(axes[0], *place, colour, inset)
draw_cells(axes[1], dy, "gradient of the output", colours)
draw_cells(axes[2], kernel, "kernel", {seeing[place]: colour for place, colour in colours.items()})
draw_cells(axes[3], dx, "gradient of the picture", {(1, 1): 3})
figure.savefig("convolution_backward.png", dpi=144)

# %%
# A patch is a row
# ----------------
#
# None of this is new. With every patch written as a row of nine numbers and the kernel as a column, a convolution is an
# affine map of nine rows, and `portnn.ops.linear_backward` finds the gradients of kernel and bias. That of a row is
# what a place says of its pixels; since the rows share pixels, it is added up where they overlap.

rows = np.stack([X[window(*place)].reshape(9) for place in places])
by_linear, cache = ops.linear(rows, kernel.reshape(9, 1), np.asarray([bias]))
of_linear = ops.linear_backward(dy.reshape(9, 1), cache)
added = np.zeros((7, 7))
for place, says in zip(places, of_linear.x, strict=True):
    added[window(*place)] += says.reshape(3, 3)
assert np.array_equal(by_linear.reshape(3, 3), y)
assert np.array_equal(of_linear.weight.reshape(3, 3), dkernel)
assert np.array_equal(added, dX)

# %%
# `portnn.ops.conv2d` does the same for many pictures, whose pixels may have several channels. With 16 channels, a patch
# of three by three pixels is a row of 144 numbers. With 32 kernels, the column is a matrix of 32 columns, and every
# place has 32 outputs: the channels of the next picture. `portnn.check_gradients` measures the gradients, too, for the
# cost that has the gradient :math:`dy`, the sum of all :math:`dy_{ij} \, y_{ij}`.


def cost(arrays, *, xp):
    """Sum of the outputs, each times its dy, and the gradients."""
    y, cache = ops.conv2d(**arrays, stride=STRIDE, padding=PADDING, xp=xp)
    return xp.sum(dy[None, :, :, None] * y), ops.conv2d_backward(dy[None, :, :, None], cache, xp=xp)._asdict()


arrays = {"x": x[None, :, :, None], "weight": kernel[:, :, None, None], "bias": np.asarray([bias])}
by_conv2d, _ = ops.conv2d(**arrays, stride=STRIDE, padding=PADDING)
_, of_conv2d = cost(arrays, xp=np)
of_ops = (by_conv2d, of_conv2d["weight"], of_conv2d["bias"], of_conv2d["x"])
assert all(np.array_equal(np.squeeze(a), b) for a, b in zip(of_ops, (y, dkernel, dbias, dx), strict=True))
for comparison in portnn.check_gradients(cost, arrays):
    print(f"{comparison.name:8}relative error from central differences {comparison.error:.1e}")

# %%
# Max pooling
# -----------
#
# Pooling makes a picture smaller. Its window has no weights: the output is the largest pixel that it sees. Here the
# windows are two by two, side by side, and the one at the top right sees its largest pixel twice.

z, dpooled = np.asarray([[1, 3, 4, 2], [2, 0, 1, 4], [5, 1, 0, 1], [2, 3, 2, 3.0]]), np.asarray([[1, 2], [-1, 0.5]])
pooled, cache = ops.max_pool2d(z[None, :, :, None], 2)
dz = ops.max_pool2d_backward(dpooled[None, :, :, None], cache)[0, :, :, 0]
print(f"output\n{pooled[0, :, :, 0]}\ngradient of the picture\n{dz + 0.0}")

# %%
# If the largest pixel changes a little, so does the output; the others might as well not be there. So the whole
# gradient goes to the largest pixel, and if there are two, to the first in reading order. There, a measurement
# disagrees. If one of the two rises, so does the output; if it falls, the other still stands. On average over both
# ways, each has half of the gradient. The maximum has a kink at a tie and no derivative. Gradient descent does well
# with either answer, but a check by central differences has to stay away from kinks.

measured = np.zeros((4, 4))
for pixel in np.ndindex(4, 4):
    for h in (0.25, -0.25):
        changed = z.copy()
        changed[pixel] += h
        pooled, _ = ops.max_pool2d(changed[None, :, :, None], 2)
        measured[pixel] += np.sum(dpooled * pooled[0, :, :, 0]) / (2 * h)
print(f"measured\n{measured}")

# %%
# The numbers to reproduce with a pencil, and those of `portnn.ops`.

print(f"{'':44}{'here':>8}{'to reproduce':>14}")
for name, here, expected in (
    ("output in the middle", by_conv2d[0, 1, 1, 0], 4.5),
    ("gradient of the weight in the middle", of_conv2d["weight"][1, 1, 0, 0], -6.0),
    ("gradient of the pixel in row 1, column 1", of_conv2d["x"][0, 1, 1, 0], 1.0),
    ("gradient of the first of two largest pixels", dz[0, 2], 2.0),
    ("either of them, measured", measured[1, 3], 1.0),
):
    print(f"{name:44}{here:8.1f}{expected:14.1f}")
