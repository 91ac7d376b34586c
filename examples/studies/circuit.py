r"""
1. A circuit: the chain rule gate by gate
=========================================

Backpropagation is the chain rule applied to a formula that is split into gates: operations so simple that the
derivative of each is known. The formula here is one neuron with two inputs,

.. math:: y = \frac{1}{1 + e^{-(w_0 x_0 + w_1 x_1 + w_2)}}

and the question is how much its output changes when any of the five input numbers changes a little. We answer it
three times: gate by gate with pencil-and-paper arithmetic, with two operations of `portnn.ops`, and by measuring.
"""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Patch

import portnn
from portnn import ops
from portnn.plots.palette import BLUE, VERMILION

w0, w1, w2 = 2.0, -3.0, -3.0
x0, x1 = -1.0, -2.0

# %%
# Forward
# -------
#
# Values flow through the circuit from left to right. Each gate keeps its result, because its derivative will need it:
#
# .. math::
#
#    p_0 = w_0 x_0, \quad p_1 = w_1 x_1, \quad s = p_0 + p_1, \quad z = s + w_2, \quad
#    n = -z, \quad e = e^n, \quad d = 1 + e, \quad y = 1 / d

p0 = w0 * x0
p1 = w1 * x1
s = p0 + p1
z = s + w2
n = -z
e = math.exp(n)
d = 1.0 + e
y = 1.0 / d
print(f"p0 {p0:.2f}   p1 {p1:.2f}   s {s:.2f}   z {z:.2f}   n {n:.2f}   e {e:.2f}   d {d:.2f}   y {y:.2f}")

# %%
# Backward
# --------
#
# Gradients flow from right to left, starting with :math:`\partial y / \partial y = 1`. Every gate does the same: it
# multiplies the gradient of its output by its **local gradient**, the derivative of its output with respect to its
# input. That is the chain rule,
#
# .. math:: \frac{\partial y}{\partial u} = \frac{\partial y}{\partial v} \, \frac{\partial v}{\partial u}
#
# for a gate that turns :math:`u` into :math:`v`. The last gate is the reciprocal:
#
# .. math:: \frac{\partial}{\partial d} \frac{1}{d} = -\frac{1}{d^2}

dy = 1.0
local = -1.0 / d**2
dd = dy * local
print(f"y = 1 / d     local gradient {local:5.2f}   gradient of d {dy:.2f} * {local:.2f} = {dd:.2f}")

# %%
# Adding a constant does not change the slope, :math:`\partial (1 + e) / \partial e = 1`:

local = 1.0
de = dd * local
print(f"d = 1 + e     local gradient {local:5.2f}   gradient of e {dd:.2f} * {local:.2f} = {de:.2f}")

# %%
# The exponential is its own derivative, :math:`\partial e^n / \partial n = e^n`, which the forward pass has kept:

local = e
dn = de * local
print(f"e = exp(n)    local gradient {local:5.2f}   gradient of n {de:.2f} * {local:.2f} = {dn:.2f}")

# %%
# Changing the sign, :math:`\partial (-z) / \partial z = -1`:

local = -1.0
dz = dn * local
print(f"n = -z        local gradient {local:5.2f}   gradient of z {dn:.2f} * {local:.2f} = {dz:.2f}")

# %%
# A sum passes the gradient of its output on to each of its terms unchanged, since both local gradients are 1:

ds, dw2 = dz, dz
dp0, dp1 = ds, ds
print(f"z = s + w2    local gradients 1 and 1   gradient of s {ds:.2f}, of w2 {dw2:.2f}")
print(f"s = p0 + p1   local gradients 1 and 1   gradient of p0 {dp0:.2f}, of p1 {dp1:.2f}")

# %%
# In a product each factor is the local gradient of the other, :math:`\partial (w x) / \partial w = x` and
# :math:`\partial (w x) / \partial x = w`. So each factor gets the gradient times the other factor:

dw0, dx0 = dp0 * x0, dp0 * w0
dw1, dx1 = dp1 * x1, dp1 * w1
print(f"p0 = w0 x0    local gradients {x0:.2f} and {w0:.2f}   gradient of w0 {dw0:.2f}, of x0 {dx0:.2f}")
print(f"p1 = w1 x1    local gradients {x1:.2f} and {w1:.2f}   gradient of w1 {dw1:.2f}, of x1 {dx1:.2f}")

# %%
# The circuit with the value above each wire and the gradient below it.

places = {"w0": (0, 6.2), "x0": (0, 4.4), "w1": (0, 3.2), "x1": (0, 1.4)}
places |= {"p0": (1.5, 5.3), "p1": (1.5, 2.3), "w2": (3, 1.9)}
places |= {name: (3 + 1.5 * place, 3.8) for place, name in enumerate(("s", "z", "n", "e", "d", "y", "output"))}
gates = {"p0": r"$\times$", "p1": r"$\times$", "s": "+", "z": "+", "n": "$-$", "e": "exp", "d": "1 +", "y": "1 / d"}
wires = [("w0", "p0", w0, dw0), ("x0", "p0", x0, dx0), ("w1", "p1", w1, dw1), ("x1", "p1", x1, dx1)]
wires += [("p0", "s", p0, dp0), ("p1", "s", p1, dp1), ("s", "z", s, ds), ("w2", "z", w2, dw2)]
wires += [("z", "n", z, dz), ("n", "e", n, dn), ("e", "d", e, de), ("d", "y", d, dd), ("y", "output", y, dy)]

figure = Figure(figsize=(11, 4.8), layout="constrained")
ax = figure.subplots()
ax.set(xlim=(-0.5, 12.6), ylim=(1.0, 6.6), title="Values forward (above each wire), gradients of y backward (below)")
ax.set_axis_off()
for start, end, value, gradient in wires:
    (left, lower), (right, upper) = places[start], places[end]
    arrow = {"arrowstyle": "-|>", "mutation_scale": 12, "shrinkA": 20, "shrinkB": 20, "color": "0.6"}
    ax.add_patch(FancyArrowPatch(places[start], places[end], **arrow))
    # Beside a sloping wire the numbers move to the side that is free.
    aside = 0.16 * np.sign(upper - lower)
    middle = (left + right) / 2, (lower + upper) / 2
    ax.text(middle[0] - aside, middle[1] + 0.12, f"{value:.2f}", color=BLUE, ha="center", va="bottom")
    ax.text(middle[0] + aside, middle[1] - 0.14, f"{gradient:.2f}", color=VERMILION, ha="center", va="top")
for name, place in places.items():
    circle = {"boxstyle": "circle", "fc": "white", "ec": "black" if name in gates else "white"}
    ax.text(*place, gates.get(name, name), ha="center", va="center", bbox=circle)
colours = [Patch(color=BLUE, label="value"), Patch(color=VERMILION, label="gradient")]
ax.legend(handles=colours, frameon=False, loc="lower right")
figure.savefig("circuit.png", dpi=144)

# %%
# The same in two operations
# --------------------------
#
# The five gates from :math:`n` to :math:`y` are the logistic sigmoid, :math:`\sigma(z) = 1 / (1 + e^{-z})`.
# Multiplying their local gradients gives a short form that needs only the output:
#
# .. math:: \frac{d\sigma}{dz} = \frac{e^{-z}}{(1 + e^{-z})^2} = \sigma(z) \, (1 - \sigma(z))
#
# The gates before are an affine map. `portnn.ops` has both as pairs of a forward function, which returns its result
# and a cache, and a backward function, which needs the cache:

x, weight, bias = np.asarray([[x0, x1]]), np.asarray([[w0], [w1]]), np.asarray([w2])
logit, linear_cache = ops.linear(x, weight, bias)
output, sigmoid_cache = ops.sigmoid(logit)
dlogit = ops.sigmoid_backward(np.ones_like(output), sigmoid_cache)
gradients = ops.linear_backward(dlogit, linear_cache)
assert np.allclose(gradients.weight[:, 0], [dw0, dw1])

# %%
# By measuring
# ------------
#
# A gradient says how the output responds to a small change, so it can be measured: change each number by :math:`h`
# both ways and look at the output,
#
# .. math:: \frac{\partial y}{\partial u} \approx \frac{y(u + h) - y(u - h)}{2 h}
#
# `portnn.check_gradients` does so for every entry and raises an error if the two disagree.


def neuron(arrays, *, xp):
    """Output and its gradients for weight, bias and x."""
    logit, linear_cache = ops.linear(arrays["x"], arrays["weight"], arrays["bias"], xp=xp)
    output, sigmoid_cache = ops.sigmoid(logit, xp=xp)
    dlogit = ops.sigmoid_backward(xp.ones_like(output), sigmoid_cache, xp=xp)
    return xp.sum(output), ops.linear_backward(dlogit, linear_cache, xp=xp)._asdict()


for comparison in portnn.check_gradients(neuron, {"x": x, "weight": weight, "bias": bias}):
    print(f"{comparison.name:8}relative error from central differences {comparison.error:.1e}")

# %%
# All numbers together: from the gates, from the operations, and the ones to reproduce.

here = (y, dw0, dw1, dw2, dx0, dx1)
of_ops = (output[0, 0], *gradients.weight[:, 0], *gradients.bias, *gradients.x[0])
print(f"{'':16}{'here':>8}{'portnn.ops':>12}{'to reproduce':>14}")
for name, by_gates, by_ops, expected in zip(
    ("output", "gradient of w0", "gradient of w1", "gradient of w2", "gradient of x0", "gradient of x1"),
    here,
    of_ops,
    (0.73, -0.20, -0.39, 0.20, 0.39, -0.59),
    strict=True,
):
    print(f"{name:16}{by_gates:8.2f}{by_ops:12.2f}{expected:14.2f}")
