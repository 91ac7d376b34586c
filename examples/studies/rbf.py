r"""
3. A hidden unit that is a bump
===============================

One class lies on a line between two halves of the other. No single threshold separates them, so a logistic neuron
alone fails. One hidden unit in front of it is enough if it responds to values near zero: a radial basis function.
With one weight before the bump and one after it, the cost is a surface over a plane, which can be drawn together with
the path of the descent.
"""

import numpy as np
from matplotlib.figure import Figure

from portnn import ops
from portnn.optimizers.schedules import Linear
from portnn.plots import plot_cost_surface, plot_descent
from portnn.plots.palette import BLUE, VERMILION

# %%
# The samples
# -----------
#
# Twenty of each colour, all with a standard deviation of 0.5: blue ones around 0, ten red ones around -2 and ten
# around 2. The output of the neuron is the probability of blue.

rng = np.random.default_rng(0)
blue = rng.normal(0.0, 0.5, 20)
red = np.concatenate([rng.normal(-2.0, 0.5, 10), rng.normal(2.0, 0.5, 10)])
x = np.concatenate([blue, red])[:, None]
t = np.concatenate([np.ones_like(blue), np.zeros_like(red)])[:, None]

figure = Figure(figsize=(6.8, 2.2), layout="constrained")
ax = figure.subplots()
for samples, colour, marker, label in ((blue, BLUE, "o", "blue (t = 1)"), (red, VERMILION, "^", "red (t = 0)")):
    ax.scatter(samples, np.zeros_like(samples), color=colour, marker=marker, alpha=0.6, label=label)
ax.set(xlabel="x", yticks=(), title="One class between two halves of the other")
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.02, 0.5))
figure.savefig("rbf_samples.png", dpi=144)

# %%
# The network
# -----------
#
# The hidden unit is :math:`h = \varphi(z)` with :math:`z = w_h x`, where
#
# .. math:: \varphi(z) = e^{-z^2}, \qquad \frac{d\varphi}{dz} = -2 z e^{-z^2} = -2 z \, \varphi(z)
#
# It is 1 at zero and falls off on both sides, faster for larger :math:`w_h`. The derivative needs the output, which the
# forward pass has computed.

z = np.linspace(-3.0, 3.0, 301)
bump, cache = ops.rbf(z)
slope = ops.rbf_backward(np.ones_like(z), cache)

figure = Figure(figsize=(6.4, 3.2), layout="constrained")
ax = figure.subplots()
ax.plot(z, bump, color=BLUE, lw=1.6, label=r"$\varphi(z) = e^{-z^2}$")
ax.plot(z, slope, color=VERMILION, lw=1.6, ls="--", label=r"$d\varphi / dz = -2 z \varphi(z)$")
ax.set(xlabel="z", ylabel="value", title="Radial basis function and its derivative")
ax.grid(alpha=0.25)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
figure.savefig("rbf.png", dpi=144)

# %%
# The output is the probability of blue. Its bias is fixed at -1, so that a sample counts as red unless the hidden unit
# responds, and two weights are left to learn:
#
# .. math:: y = \sigma(h \, w_o - 1)
#
# The cost is the cross-entropy, summed over the samples. Its gradient with respect to the logit
# :math:`a = h w_o - 1` is :math:`\delta_i = y_i - t_i`, as derived in the study of a neuron, and the chain rule
# continues from there:
#
# .. math::
#
#    \frac{\partial C}{\partial w_o} = \sum_i \delta_i h_i, \qquad
#    \frac{\partial C}{\partial h_i} = \delta_i w_o, \qquad
#    \frac{\partial C}{\partial z_i} = \frac{\partial C}{\partial h_i} \left( -2 z_i h_i \right), \qquad
#    \frac{\partial C}{\partial w_h} = \sum_i \frac{\partial C}{\partial z_i} x_i
#
# `portnn.ops.binary_cross_entropy` returns the mean over samples; multiplied by their number, it is the sum.


def cost(wh, wo):
    """Summed cross-entropy of each pair of weights, wh (n,) and wo (n,)."""
    return np.asarray(
        [
            len(x) * ops.binary_cross_entropy(ops.rbf(x * hidden)[0] * output - 1.0, t)[0]
            for hidden, output in zip(wh, wo, strict=True)
        ]
    )


def gradient(wh, wo):
    """Gradient of the cost for one pair of weights."""
    h, rbf_cache = ops.rbf(x * wh)
    _, cost_cache = ops.binary_cross_entropy(h * wo - 1.0, t)
    delta = ops.binary_cross_entropy_backward(len(x), cost_cache)
    dz = ops.rbf_backward(delta * wo, rbf_cache)
    return np.asarray([np.sum(dz * x), np.sum(delta * h)])


# %%
# The cost surface
# ----------------
#
# Since :math:`\varphi` is even, the sign of :math:`w_h` does not matter, and the surface has two symmetric valleys of
# the same depth. In the lower half, where :math:`w_o` is negative, the bump votes for red, and the cost is high. The
# ridge between the valleys is at :math:`w_h = 0`, where the hidden unit is 1 for every sample, blue or red. The
# contours are spaced evenly in the logarithm of the cost, so that the floor of the valleys shows, too.

figure = plot_cost_surface(
    cost, (-10.0, 10.0), (-10.0, 10.0), title="Cost [nats]", names=("wh", "wo"), resolution=81, log=True
)
figure.savefig("rbf_cost.png", dpi=144)

# %%
# The descent
# -----------
#
# We start at :math:`w_h = 2`, :math:`w_o = -5`, where the bump votes for red, and take 50 steps on all samples at once.
# The learning rate falls linearly from 0.2 to 0: the first steps may be long, the last ones settle.

learning_rate = Linear(0.2, total=50)
weights = np.asarray([2.0, -5.0])
path = [weights]
for step in range(50):
    weights = weights - learning_rate(step) * gradient(*weights)
    path.append(weights)
path = np.asarray(path)

figure = plot_descent(
    cost, path, x_range=(-10.0, 10.0), y_range=(-10.0, 10.0), title="50 steps downhill", names=("wh", "wo"), log=True
)
figure.savefig("rbf_descent.png", dpi=144)

# %%
# The numbers to reproduce are the gradient at the start, measured by central differences, and the floor of the valley:
# the lowest cost for the final :math:`w_o`, over all :math:`w_h` on a fine grid. The valley has no lowest point: a
# larger :math:`w_o` makes the neuron surer of the samples it gets right, which keeps lowering the cost, but ever less.

h = 1e-5
start, end = path[0], path[-1]
differences = [
    float(cost(*(start + h * unit)[:, None])[0] - cost(*(start - h * unit)[:, None])[0]) / (2 * h) for unit in np.eye(2)
]
wh = np.linspace(0.0, 3.0, 3001)
across = cost(wh, np.full_like(wh, end[1]))
correct = (ops.rbf(x * end[0])[0] * end[1] > 1.0) == (t == 1.0)

print(f"{'':24}{'here':>10}{'to reproduce':>14}")
for name, computed, expected in (
    ("gradient of wh at start", gradient(*start)[0], differences[0]),
    ("gradient of wo at start", gradient(*start)[1], differences[1]),
    ("wh at the end", end[0], wh[np.argmin(across)]),
    ("cost at the end", cost(*end[:, None])[0], np.min(across)),
):
    print(f"{name:24}{computed:10.3f}{expected:14.3f}")
print(f"cost at the start {cost(*start[:, None])[0]:.2f} nats; wo at the end {end[1]:.2f}")
print(f"{np.count_nonzero(correct)} of {len(x)} samples are on the right side")
