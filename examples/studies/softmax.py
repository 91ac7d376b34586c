r"""
4. Softmax: probabilities of two logits
=======================================

A network that chooses among classes outputs one number for each, the logits. Softmax turns them into probabilities:
positive numbers with the sum 1, in the order of the logits. With two logits, each probability is a surface over a
plane.
"""

import numpy as np
from matplotlib.figure import Figure

from portnn import ops
from portnn.plots.palette import BLUE, VERMILION

# %%
# Forward
# -------
#
# Given logits :math:`z_1, \ldots, z_n`, the probability of class :math:`i` is
#
# .. math:: y_i = \frac{e^{z_i}}{\sum_k e^{z_k}}
#
# Only differences count: a number added to all logits cancels. `portnn.ops.softmax` subtracts the largest logit, so
# that no exponential overflows. With two logits, only their difference matters, and softmax is the logistic sigmoid,
#
# .. math:: y_1 = \frac{e^{z_1}}{e^{z_1} + e^{z_2}} = \frac{1}{1 + e^{-(z_1 - z_2)}} = \sigma(z_1 - z_2)

z = np.asarray([[2.0, 1.0]])
y, cache = ops.softmax(z)
print(f"logits {z[0]}, probabilities {y[0].round(4)}, sum {y.sum():.1f}")

# %%
# Both surfaces are the same step, seen from opposite sides. Along the diagonal :math:`z_1 = z_2`, both probabilities
# are 1/2.

z1, z2 = np.meshgrid(np.linspace(-5.0, 5.0, 41), np.linspace(-5.0, 5.0, 41))
surfaces, _ = ops.softmax(np.stack([z1, z2], axis=-1))

figure = Figure(figsize=(10, 4.6), layout="constrained")
for number, colour, azimuth in ((1, BLUE, -158), (2, VERMILION, -112)):
    ax = figure.add_subplot(1, 2, number, projection="3d")
    mesh = {"rcount": 20, "ccount": 20, "linewidth": 0.3, "edgecolor": "white"}
    ax.plot_surface(z1, z2, surfaces[..., number - 1], color=colour, **mesh)
    ax.set(xlabel="logit $z_1$", ylabel="logit $z_2$", zlabel=f"probability $y_{number}$", zlim=(0.0, 1.0))
    ax.set_title(f"Probability of class {number}")
    ax.view_init(elev=24, azim=azimuth)
    ax.set_box_aspect((4, 4, 3), zoom=0.95)
figure.savefig("softmax.png", dpi=144)

# %%
# Backward
# --------
#
# Every probability depends on every logit. By the quotient rule, with :math:`\Sigma = \sum_k e^{z_k}`,
#
# .. math::
#
#    \frac{\partial y_i}{\partial z_i} = \frac{e^{z_i} \Sigma - e^{z_i} e^{z_i}}{\Sigma^2} = y_i (1 - y_i), \qquad
#    \frac{\partial y_i}{\partial z_j} = \frac{0 - e^{z_i} e^{z_j}}{\Sigma^2} = -y_i y_j \quad (i \neq j)
#
# or, in one formula, :math:`\partial y_i / \partial z_j = y_i (\delta_{ij} - y_j)`. A backward pass does not need the
# whole matrix, only its product with the gradient from the layer above:
#
# .. math::
#
#    \frac{\partial C}{\partial z_j} = \sum_i \frac{\partial C}{\partial y_i} \, y_i (\delta_{ij} - y_j)
#    = y_j \left( \frac{\partial C}{\partial y_j} - \sum_i \frac{\partial C}{\partial y_i} y_i \right)
#
# A gradient that is 1 for one probability and 0 for the other picks out a row of the matrix.

jacobian = np.diag(y[0]) - np.outer(y[0], y[0])
rows = np.concatenate([ops.softmax_backward(unit[None, :], cache) for unit in np.eye(2)])

# %%
# With the cross-entropy
# ----------------------
#
# The cost is the surprise at the right class, :math:`C = -\sum_i t_i \log y_i`, where :math:`t_i` is 1 for that class
# and 0 for all others. Its gradient with respect to the probabilities is :math:`-t_i / y_i`; inserted into the formula
# above, it gives
#
# .. math:: \frac{\partial C}{\partial z_j} = y_j \left( -\frac{t_j}{y_j} + \sum_i t_i \right) = y_j - t_j
#
# The division by a probability, which may be tiny, is gone. `portnn.ops.cross_entropy` therefore takes logits and
# combines softmax and cost.

cost, cost_cache = ops.cross_entropy(z, np.asarray([1]))
dz = ops.cross_entropy_backward(1.0, cost_cache)[0]
t = np.asarray([0.0, 1.0])
through_softmax = ops.softmax_backward(-t[None, :] / y, cache)[0]

# %%
# The gradient as a function of the difference of the logits, for either right class: it is never larger than 1, and
# never small while the answer is wrong.

difference = np.linspace(-6.0, 6.0, 241)
probability, _ = ops.softmax(np.stack([difference, np.zeros_like(difference)], axis=-1))

figure = Figure(figsize=(6.4, 3.4), layout="constrained")
ax = figure.subplots()
ax.plot(difference, probability[:, 0] - 1.0, color=BLUE, lw=1.6, label="class 1 is right")
ax.plot(difference, probability[:, 0], color=VERMILION, lw=1.6, ls="--", label="class 2 is right")
ax.set(xlabel="difference of the logits $z_1 - z_2$", ylabel="gradient for $z_1$")
ax.set_title("Gradient of the cross-entropy")
ax.grid(alpha=0.25)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
figure.savefig("softmax_gradient.png", dpi=144)

# %%
# The results of `portnn.ops` next to those of the formulas.

sigmoid = 1.0 / (1.0 + np.exp(-(z[0, 0] - z[0, 1])))
print(f"{'':36}{'here':>10}{'to reproduce':>14}")
for name, computed, expected in (
    ("y1, sigmoid of the difference", y[0, 0], sigmoid),
    ("y2, one minus y1", y[0, 1], 1.0 - sigmoid),
    ("dy1/dz1 = y1 (1 - y1)", rows[0, 0], jacobian[0, 0]),
    ("dy1/dz2 = -y1 y2", rows[0, 1], jacobian[0, 1]),
    ("dy2/dz1 = -y2 y1", rows[1, 0], jacobian[1, 0]),
    ("dy2/dz2 = y2 (1 - y2)", rows[1, 1], jacobian[1, 1]),
    ("cost of class 2, -log y2", cost, -np.log(y[0, 1])),
    ("dC/dz1 = y1 - 0", dz[0], y[0, 0]),
    ("dC/dz2 = y2 - 1", dz[1], y[0, 1] - 1.0),
    ("dC/dz1 through softmax_backward", through_softmax[0], y[0, 0]),
    ("probability of equal logits", surfaces[20, 20, 0], 0.5),
):
    print(f"{name:36}{computed:10.4f}{expected:14.4f}")
