r"""
6. Digits: mini-batches and held-out data
=========================================

Everything so far combined: images of handwritten digits, two hidden layers, mini-batches, and the question that
counts, how well the network reads digits that it has never seen. The images come with scikit-learn.
"""

import numpy as np

import portnn
from portnn.plots import plot_confusion, plot_images, plot_loss

try:
    import matplotlib  # noqa: F401, since portnn.plots imports it only when a plot is drawn
    from sklearn.datasets import load_digits
except ModuleNotFoundError as missing:
    raise SystemExit(f'{missing.name} is not installed: python -m pip install "portnn[sklearn,plot]"') from None

# %%
# The data
# --------
#
# 1797 images of 8 by 8 pixels, each pixel a number from 0 to 16. A third of them is set aside until the end.

digits = load_digits()
X, y = digits.data / 16.0, digits.target
order = np.random.default_rng(0).permutation(len(X))
train, test = order[:1198], order[1198:]

figure = plot_images(digits.images[:16], [f"{label}" for label in y[:16]], columns=8, title="The first 16 digits")
figure.savefig("digits.png", dpi=144)

# %%
# The network
# -----------
#
# 64 pixels, two hidden layers of 20 units, 10 classes. Layer :math:`l` takes the activations of the one below it,
#
# .. math:: A_l = \max(0, A_{l-1} W_l + b_l), \qquad A_0 = X
#
# and the backward pass goes through the same layers from the last to the first. With :math:`\Delta_l` for the gradient
# of the input to the relu of layer :math:`l`,
#
# .. math::
#
#    \Delta_l = (\Delta_{l+1} W_{l+1}^\top) \odot [A_l > 0], \qquad
#    dW_l = A_{l-1}^\top \Delta_l, \qquad db_l = {\textstyle\sum \Delta_l}
#
# where the last layer has no relu and starts from :math:`(Y - T) / N`. Nothing here depends on the number of layers, so
# any number can be stacked.
#
# Mini-batches
# ------------
#
# The mean gradient over 25 rows is a noisy estimate of the mean over all rows, but costs a fortieth of it, and many
# rough steps get further than a few exact ones. Every epoch, one pass over the training rows, shuffles them again.
#
# A tenth of the training rows is held out to decide when to stop: while the training loss keeps falling, the held-out
# loss eventually rises, because the network begins to memorize its rows. The run ends after 20 epochs without a new
# lowest held-out loss, and the weights with the lowest one are kept.

net = portnn.MLP((20, 20), "relu", "cross_entropy", seed=0)
stopping = {"epochs": 200, "held_out": 0.1, "patience": 20}
net.fit(X[train], y[train], batch_size=25, optimizer="adam", learning_rate=2e-3, progress=False, **stopping)

figure = plot_loss(net.metrics, title="64-20-20-10 on digits", ylabel="cross-entropy [nats per row]", bits=False)
figure.savefig("digits_loss.png", dpi=144)

# %%
# Unseen digits
# -------------
#
# The rows of the test set played no part in training or stopping.

loss, accuracy, rows = net.evaluate(X[test], y[test])
predicted = net.predict(X[test])
figure = plot_confusion(y[test], predicted, title=f"{rows} unseen digits, accuracy {accuracy:.3f}")
figure.savefig("digits_confusion.png", dpi=144)

# %%
# The digits it misread, and how sure it was:

wrong = np.flatnonzero(predicted != y[test])
confidence = np.max(net.predict_proba(X[test][wrong]), axis=1)
captions = [
    f"{true} read as {read}\n{100 * share:.0f} % sure"
    for true, read, share in zip(y[test][wrong], predicted[wrong], confidence, strict=True)
]
figure = plot_images(digits.images[test][wrong], captions, columns=6, title="Misread digits")
figure.savefig("digits_misread.png", dpi=144)

# %%
# The results.

largest_class = np.max(np.bincount(y[train])) / len(train)
print(f"{'':32}{'here':>8}{'to reproduce':>18}")
print(f"{'accuracy on unseen digits':32}{accuracy:8.3f}{'at least 0.950':>18}")
print(f"{'loss on unseen digits [nats]':32}{loss:8.3f}")
print(f"{'largest class, always':32}{largest_class:8.3f}{'about 0.1':>18}")
print(f"{len(wrong)} of {rows} misread; trained for {net.history.step} steps of 25 rows")
