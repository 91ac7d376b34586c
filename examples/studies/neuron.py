r"""
2. A neuron: gradient descent on one weight
===========================================

The smallest model that learns has one weight. Its cost is a curve, its gradient the slope of that curve, and learning
means walking downhill. Two neurons do so here: a linear one, which predicts a number, and a logistic one, which
separates two classes. Their costs differ, but their gradients turn out to look the same.
"""

import numpy as np
from matplotlib.figure import Figure

from portnn import ops
from portnn.plots import plot_descent
from portnn.plots.palette import BLUE, VERMILION

rng = np.random.default_rng(0)

# %%
# A linear neuron
# ---------------
#
# The data come from a line through the origin with slope 2, plus noise on each target. The neuron predicts
# :math:`y_i = w x_i`.

x = rng.uniform(0.0, 1.0, (20, 1))
t = 2.0 * x + rng.normal(0.0, 0.2, x.shape)

# %%
# Its cost is half the squared error, averaged over the :math:`N` samples:
#
# .. math:: C(w) = \frac{1}{N} \sum_i \frac{1}{2} (y_i - t_i)^2
#
# The chain rule goes from the cost to the prediction, and from there to the weight:
#
# .. math::
#
#    \frac{\partial C}{\partial y_i} = \frac{1}{N} (y_i - t_i), \qquad
#    \frac{\partial y_i}{\partial w} = x_i, \qquad
#    \frac{dC}{dw} = \sum_i \frac{\partial C}{\partial y_i} \frac{\partial y_i}{\partial w}
#                  = \frac{1}{N} \sum_i x_i (y_i - t_i)
#
# `portnn.ops.squared_error_backward` computes the first of these factors, and `portnn.ops.linear_backward` the second;
# for a single weight the second one is simple enough to write out.


def linear_cost(w):
    """Cost of each weight w (n,)."""
    return np.asarray([ops.squared_error(x * each, t)[0] for each in w])


def linear_gradient(w):
    """Slope of the cost at the weight w."""
    _, cache = ops.squared_error(x * w, t)
    return np.sum(x * ops.squared_error_backward(1.0, cache))


# %%
# Gradient descent takes steps against the slope, :math:`w \leftarrow w - \eta \, dC/dw`, with the learning rate
# :math:`\eta`. The steps shrink as the slope does.

w, path = 0.1, [0.1]
for _ in range(30):
    w -= 1.0 * linear_gradient(w)
    path.append(w)
linear_path = np.asarray(path)

# %%
# The minimum of this cost is where the gradient is zero, and that equation can be solved by hand:
# :math:`\sum_i x_i (w x_i - t_i) = 0` gives :math:`w^* = \sum_i x_i t_i / \sum_i x_i^2`. The descent should end there.

figure = plot_descent(
    linear_cost, linear_path, x_range=(-0.2, 4.2), title="Linear neuron: half the squared error", names=("w",)
)
figure.savefig("linear_neuron.png", dpi=144)

solution = np.sum(x * t) / np.sum(x * x)
h = 1e-5
slope = (linear_cost([0.1 + h]) - linear_cost([0.1 - h]))[0] / (2 * h)
print(f"{'':40}{'here':>10}{'to reproduce':>14}")
print(f"{'slope at w = 0.1, central differences':40}{linear_gradient(0.1):10.4f}{slope:14.4f}")
print(f"{'weight after 30 steps, solved by hand':40}{linear_path[-1]:10.4f}{solution:14.4f}")

# %%
# A logistic neuron
# -----------------
#
# Now the targets are classes: class 0 around -1 and class 1 around 1, with enough noise that they overlap. The neuron's
# output is the probability of class 1,
#
# .. math:: y_i = \sigma(z_i) = \frac{1}{1 + e^{-z_i}}, \qquad z_i = w x_i

x = np.concatenate([rng.normal(-1.0, 1.0, (50, 1)), rng.normal(1.0, 1.0, (50, 1))])
t = np.repeat([[0.0], [1.0]], 50, axis=0)

figure = Figure(figsize=(6.4, 2.4), layout="constrained")
ax = figure.subplots()
for label, colour, marker in ((0, BLUE, "o"), (1, VERMILION, "^")):
    ax.scatter(x[t == label], t[t == label], color=colour, marker=marker, alpha=0.6, label=str(label))
ax.set(xlabel="x", yticks=(0, 1), ylim=(-0.4, 1.4), ylabel="class", title="Two classes that overlap")
ax.legend(title="class", frameon=False, loc="center left", bbox_to_anchor=(1.02, 0.5))
figure.savefig("neuron_samples.png", dpi=144)

# %%
# The cost is the cross-entropy, the mean surprise of the neuron at the targets, in nats:
#
# .. math:: C(w) = -\frac{1}{N} \sum_i \left( t_i \log y_i + (1 - t_i) \log (1 - y_i) \right)
#
# Its chain has one more factor, from the output to the logit :math:`z_i`:
#
# .. math::
#
#    \frac{\partial C}{\partial y_i} = \frac{1}{N} \frac{y_i - t_i}{y_i (1 - y_i)}, \qquad
#    \frac{\partial y_i}{\partial z_i} = y_i (1 - y_i), \qquad
#    \frac{\partial C}{\partial z_i} = \frac{1}{N} (y_i - t_i)
#
# The slope of the sigmoid cancels, so a neuron that is sure of the wrong class learns fast, and the gradient is that of
# the linear neuron again:
#
# .. math:: \frac{dC}{dw} = \frac{1}{N} \sum_i x_i (y_i - t_i)
#
# That is why `portnn.ops.binary_cross_entropy` takes logits rather than probabilities.


def logistic_cost(w):
    """Cost of each weight w (n,)."""
    return np.asarray([ops.binary_cross_entropy(x * each, t)[0] for each in w])


def logistic_gradient(w):
    """Slope of the cost at the weight w."""
    _, cache = ops.binary_cross_entropy(x * w, t)
    return np.sum(x * ops.binary_cross_entropy_backward(1.0, cache))


w, path = -2.0, [-2.0]
for _ in range(30):
    w -= 2.0 * logistic_gradient(w)
    path.append(w)
logistic_path = np.asarray(path)

# %%
# This minimum has no closed form, but a single weight can be searched on a fine grid. Infinitely many samples would put
# the minimum at 2, since the log of the ratio of the two densities is :math:`((x + 1)^2 - (x - 1)^2) / 2 = 2 x`.

figure = plot_descent(
    logistic_cost, logistic_path, x_range=(-2.5, 5.0), title="Logistic neuron: cross-entropy [nats]", names=("w",)
)
figure.savefig("logistic_neuron.png", dpi=144)

grid = np.linspace(0.0, 5.0, 5001)
lowest = grid[np.argmin(logistic_cost(grid))]
slope = (logistic_cost([-2.0 + h]) - logistic_cost([-2.0 - h]))[0] / (2 * h)
print(f"{'':40}{'here':>10}{'to reproduce':>14}")
print(f"{'slope at w = -2, central differences':40}{logistic_gradient(-2.0):10.4f}{slope:14.4f}")
print(f"{'weight after 30 steps, lowest on a grid':40}{logistic_path[-1]:10.4f}{lowest:14.4f}")
