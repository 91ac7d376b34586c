r"""
5. A ring: what a hidden layer is for
=====================================

One class surrounds the other. No line in the plane separates them, so softmax regression must fail. A network with
three hidden units succeeds: it maps the points into a space of three dimensions, where a plane separates them. Before
the network learns, its gradient is checked number by number.
"""

import numpy as np
from matplotlib.figure import Figure

import portnn
from portnn.datasets import rings
from portnn.optimizers import SGD
from portnn.plots import plot_decision_boundary, plot_hidden_projection, plot_loss

X, y = rings(points=50, inner=0.3, noise=0.1, seed=0)
labels = np.where(y == 1, "inner", "outer")

# %%
# The network
# -----------
#
# Two inputs, three hidden units with a sigmoid, two outputs with a softmax. For all rows of the table at once, with
# a row :math:`x` of :math:`X` and the right class :math:`c`:
#
# .. math::
#
#    H = \sigma(X W_1 + b_1), \qquad Z = H W_2 + b_2, \qquad
#    C = -\frac{1}{N} \sum_x \log \operatorname{softmax}(z_x)_c
#
# With :math:`T` for the table of targets (1 in the column of the right class, 0 elsewhere) and :math:`Y` for the
# probabilities, the gradients go backward layer by layer, and each line comes from one of the earlier studies:
#
# .. math::
#
#    dZ &= (Y - T) / N \\
#    dW_2 &= H^\top dZ, \qquad db_2 = {\textstyle\sum dZ}, \qquad dH = dZ \, W_2^\top \\
#    dA &= dH \odot H \odot (1 - H) \\
#    dW_1 &= X^\top dA, \qquad db_1 = {\textstyle\sum dA}
#
# The products with a transposed matrix sum over rows: every row uses a weight, so the weight gets a gradient from
# every row.


def network():
    """The same untrained network every time."""
    return portnn.MLP((3,), "sigmoid", "cross_entropy", init_scale=1.0, seed=0)


# %%
# Checking the gradient
# ---------------------
#
# `loss_and_gradient` computes the gradient by the formulas, as one vector of all 17 parameters; `pack` and `unpack`
# read and set the parameters as such a vector. Central differences need only the loss, so they are an independent
# check. A network takes the sizes of its layers from the data, so `initialize` shows it the data first.

net = network().initialize(X, labels)
_, analytical = net.loss_and_gradient(X, labels)
start = net.pack()
names = [f"{name}{list(at)}" for name, shape in net.model.shapes().items() for at in np.ndindex(shape)]

h, worst = 1e-5, 0.0
print(f"{'parameter':22}{'numerical':>14}{'analytical':>14}{'relative error':>17}")
for name, unit, by_hand in zip(names, np.eye(len(start)), analytical, strict=True):
    ends = []
    for sign in (1.0, -1.0):
        net.unpack(start + sign * h * unit)
        ends.append(net.loss_and_gradient(X, labels)[0])
    numerical = (ends[0] - ends[1]) / (2.0 * h)
    error = abs(numerical - by_hand) / max(abs(numerical), abs(by_hand))
    worst = max(worst, error)
    print(f"{name:22}{numerical:14.9f}{by_hand:14.9f}{error:17.1e}")

# %%
# Momentum
# --------
#
# Plain gradient descent forgets its direction after every step. With momentum the weights have a velocity, which keeps
# a share :math:`\mu` of itself and accumulates gradients:
#
# .. math:: v \leftarrow \mu v + \nabla C, \qquad w \leftarrow w - \eta v
#
# Where gradients agree from step to step, the velocity grows to up to :math:`1 / (1 - \mu)` times the gradient; where
# they change sign, they cancel. Both runs start from the same weights and take 300 steps on all rows at once.

runs, losses = {}, {}
for label, momentum in (("with momentum 0.9", 0.9), ("without momentum", 0.0)):
    options = {"steps": 300, "batch_size": 100, "log_every": 1, "progress": False}
    runs[label] = network().fit(X, labels, optimizer=SGD(momentum=momentum), learning_rate=2.0, **options)
    losses[label] = runs[label].metrics

figure = plot_loss(losses, title="300 steps on two rings", ylabel="cross-entropy [nats per row]", bits=False)
figure.savefig("ring_cost.png", dpi=144)

# %%
# The boundary
# ------------
#
# The prediction changes where both classes are equally likely. Each of the three hidden units is a soft step across the
# plane, and together they enclose the inner class. For comparison, the best that a line can do.

net = runs["with momentum 0.9"]
line = portnn.SoftmaxRegression(seed=0).fit(X, labels, progress=False)

figure = Figure(figsize=(12, 4.4), layout="constrained")
left, right = figure.subplots(1, 2)
plot_decision_boundary(line, X, labels, ax=left, title=f"Softmax regression, accuracy {line.score(X, labels):.2f}")
plot_decision_boundary(net, X, labels, ax=right, title=f"Three hidden units, accuracy {net.score(X, labels):.2f}")
figure.savefig("ring_boundary.png", dpi=144)

# %%
# The hidden layer
# ----------------
#
# The output layer does not see the plane of the points but the cube of the three hidden activations. There the ring has
# been folded so that a plane separates the classes, and the output layer, which is softmax regression, only has to find
# it. To see how well a plane can do, we fit a logistic regression to the hidden activations and, for comparison, to the
# points themselves, where its plane is a line.

(hidden,) = net.hidden(X)
figure = plot_hidden_projection(hidden, labels, title="Two rings in the hidden layer")
figure.savefig("ring_hidden.png", dpi=144)

plane = portnn.LogisticRegression(standardize=True).fit(hidden, labels, progress=False)
through_points = portnn.LogisticRegression(standardize=True).fit(X, labels, progress=False)

# %%
# The results. The gradients should agree up to the precision of the differences, momentum should be far ahead, and a
# plane should separate the hidden activations, which a line cannot do for the points.

print(f"{'':44}{'here':>10}{'to reproduce':>16}")
for name, computed, expected in (
    ("largest relative error of a gradient", f"{worst:.1e}", "below 1e-6"),
    ("loss after 300 steps, with momentum", f"{losses['with momentum 0.9'][-1]['loss']:.4f}", "near 0"),
    ("loss after 300 steps, without", f"{losses['without momentum'][-1]['loss']:.4f}", "higher"),
    ("accuracy of the network", f"{net.score(X, labels):.3f}", "1.000"),
    ("accuracy of a plane in the hidden layer", f"{plane.score(hidden, labels):.3f}", "1.000"),
    ("accuracy of a line in the points", f"{through_points.score(X, labels):.3f}", "about 0.5"),
):
    print(f"{name:44}{computed:>10}{expected:>16}")
