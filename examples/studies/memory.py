r"""
8. Memory: the gradient through time
====================================

A recurrent network reads a sentence word by word and answers at its end. To learn an answer that depends on the first
word, it needs the gradient of the loss there, which comes back through every step in between. In a tanh network it
fades on the way. In an LSTM there is a way on which only the forget gates stand. This study derives both, measures
both, and shows what the networks learn.
"""

import numpy as np
from matplotlib.figure import Figure

from portnn import ops
from portnn.models import SequenceBatch, SequenceClassifier
from portnn.optimizers import Adam
from portnn.plots import plot_loss
from portnn.plots.palette import COLOURS, line_style

# %%
# Many steps, one answer
# ----------------------
#
# The tanh network has a state :math:`h_t`, a row of :math:`n` numbers, and reads the words :math:`x_1, \ldots, x_T`:
#
# .. math:: h_t = \tanh(z_t), \qquad z_t = x_t W + h_{t-1} U + b, \qquad y = h_T V + c, \qquad C = C(y)
#
# The cost :math:`C` depends on the last state alone, and on the earlier ones through it. With :math:`dh_t` for the
# gradient of :math:`C` with respect to :math:`h_t`, and because the derivative of the tanh is :math:`1 - \tanh^2`:
#
# .. math::
#
#    dh_T = dy \, V^\top, \qquad dz_t = dh_t \odot (1 - h_t \odot h_t), \qquad dh_{t-1} = dz_t \, U^\top
#
# All steps share their weights, whose gradients are therefore sums over the steps:
#
# .. math:: dW = \sum_t x_t^\top dz_t, \qquad dU = \sum_t h_{t-1}^\top dz_t, \qquad db = \sum_t dz_t
#
# This is backpropagation through time. Each step multiplies the gradient by a Jacobian,
# :math:`J_t = \operatorname{diag}(1 - h_t \odot h_t) \, U^\top`, and :math:`k` steps by a product of :math:`k` of them:
#
# .. math::
#
#    dh_{T-k} = dh_T \, J_T J_{T-1} \cdots J_{T-k+1}, \qquad
#    \lVert dh_{T-k} \rVert \leq \lVert dh_T \rVert \, (\gamma \sigma)^k
#
# where :math:`\sigma` is the largest singular value of :math:`U`, and :math:`\gamma \leq 1` the largest slope of the
# tanh on the way. If :math:`\gamma \sigma < 1`, the gradient must fade at least as fast as a geometric sequence. It
# usually fades even if not: over many steps with slopes near 1, what counts is the largest absolute eigenvalue of
# :math:`U`, which for random weights is well below :math:`\sigma`.
#
# The LSTM has a second state, :math:`c_t`, the cell:
#
# .. math:: c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t)
#
# Here :math:`g_t` is a tanh of its own, and the gates :math:`i_t`, :math:`f_t` and :math:`o_t` are sigmoids of
# :math:`x_t` and :math:`h_{t-1}`. From one cell to the one before, the way back is
#
# .. math::
#
#    dc_{t-1} = f_t \odot dc_t + \ldots, \qquad
#    dc_{T-k} = f_{T-k+1} \odot \cdots \odot f_T \odot dc_T + \ldots
#
# where the dots are the ways through :math:`h_{t-1}`, which lead into the gates and through their matrices. The direct
# way has no matrix and no tanh on it, only forget gates; where they are 1, it loses nothing. The GRU's state,
# :math:`h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}`, has a direct way, too, with its update gates on it.
#
# Here is the recursion of the tanh network in three lines, checked against `portnn`. The sentences consist of a first
# word, 0 or 1, which is the label, and of others, 2 to 9, which say nothing. Words are one-hot, so that
# :math:`x_t W` is a row of :math:`W`.

WORDS = 10
UNITS = 32


def sentences(rng, count, distance):
    """Batch of sentences: the word that decides, and `distance` others."""
    label = np.arange(count) % 2
    return SequenceBatch(np.concatenate([label[None], rng.integers(2, WORDS, (distance, count))]), None, label)


model = SequenceClassifier(WORDS, 2, "rnn", UNITS)
params = model.init(np.random.default_rng(0))
batch = sentences(np.random.default_rng(0), 64, 40)
_, _, cache = model.loss(params, batch, xp=np)
h, dy = cache.outputs.y, ops.cross_entropy_backward(1.0, cache.objective)
recurrent = params["layers.0.weight_hh"]

dh = dy @ params["output.weight"].T
dbias = np.zeros(UNITS)
for t in reversed(range(len(h))):
    dz = dh * (1.0 - h[t] ** 2)
    dbias += dz.sum(axis=0)
    dh = dz @ recurrent.T
by_portnn = model.gradients(cache, xp=np)["layers.0.bias_ih"]
radius, norm = np.abs(np.linalg.eigvals(recurrent)).max(), np.linalg.norm(recurrent, 2)
print(f"largest difference of db from that of portnn: {np.abs(dbias - by_portnn).max():.0e}")
print(f"U: largest singular value {norm:.2f}, largest absolute eigenvalue {radius:.2f}")

# %%
# The gradient against distance
# -----------------------------
#
# Four networks of 32 units: the tanh network, an LSTM, a GRU, and another LSTM whose forget gates start open. `portnn`
# starts the forget gates with a bias of 1, so that they are near :math:`\sigma(1) = 0.73`; in the open LSTM it is 4,
# and they are near :math:`\sigma(4) = 0.98`. All other weights are drawn as in PyTorch. The gradient goes back one step
# at a time through the backward pass of the cell, and its norm is taken over 200 sentences: that of :math:`dh_{T-k}`,
# in the LSTMs that of :math:`dc_{T-k}`. It is given as a share of the norm at :math:`k = 1`, one word before the end.

NETWORKS = {"tanh": ("rnn", None), "LSTM, open": ("lstm", 4.0), "LSTM": ("lstm", None), "GRU": ("gru", None)}


def network(cell, forget, seed):
    """An untrained classifier and its parameters; `forget` replaces the bias of the forget gates."""
    model = SequenceClassifier(WORDS, 2, cell, UNITS)
    params = model.init(np.random.default_rng(seed))
    if forget is not None:
        first = ops.CELLS[cell].gates.index("forget") * UNITS
        params["layers.0.bias_ih"][first : first + UNITS] = forget
    return model, params


def shares(model, params, batch):
    """Norm of the gradient 1, 2, 3 ... steps before the end, as a share of the first."""
    stack, states = model.stack, [model.stack.initial_states(batch.ids.shape[1])]
    for word in batch.ids:
        states.append(stack.forward(params, word[None], states[-1], xp=np)[1])
    _, _, cache = model.loss(params, batch, xp=np)
    dh = ops.cross_entropy_backward(1.0, cache.objective) @ params["output.weight"].T
    gradient, norms = (dh, *[np.zeros_like(dh)] * (len(states[0][0]) - 1)), []
    for before, word in zip(states[-2::-1], batch.ids[::-1], strict=True):
        y, _, cache = stack.forward(params, word[None], before, xp=np)
        _, (gradient,), _ = stack.backward(np.zeros_like(y), (gradient,), cache, xp=np)
        norms.append(np.linalg.norm(gradient[-1]))
    return np.asarray(norms[:-1]) / norms[0]


# %%
# Learning to remember
# --------------------
#
# Each network is trained from the start for each distance: 300 steps of Adam with a learning rate of 0.005, on 32 new
# sentences a step. A network that does not carry the first word to the end can only guess, with a loss of
# :math:`\log 2 = 0.69` nats.

DISTANCES = (5, 10, 20, 40)
STEPS = 300
SEED = 4


def train(model, params, distance, seed):
    """Parameters after training and the loss at each step."""
    adam, rng, losses = Adam(), np.random.default_rng(seed), []
    state = adam.init(params, xp=np)
    for step in range(1, STEPS + 1):
        loss, _, cache = model.loss(params, sentences(rng, 32, distance), xp=np)
        rate = {"learning_rate": np.asarray(0.005), "step": np.asarray(float(step))}
        params, state = adam.update(params, model.gradients(cache, xp=np), state, **rate, xp=np)
        losses.append(float(loss))
    return params, losses


def accuracy(model, params, distance):
    """Share of right answers to 1,000 new sentences."""
    batch = sentences(np.random.default_rng(1), 1000, distance)
    logits, _ = model.outputs_of(params, batch, xp=np)
    return float(np.mean(np.argmax(logits, axis=1) == batch.targets))


before, after, losses, reached, remembering = {}, {}, {}, {}, {}
probe = sentences(np.random.default_rng(2), 200, DISTANCES[-1])
for name, (cell, forget) in NETWORKS.items():
    reached[name] = []
    for distance in DISTANCES:
        model, start = network(cell, forget, SEED)
        params, losses[name] = train(model, start, distance, SEED)
        reached[name].append(accuracy(model, params, distance))
        remembering[name, distance] = shares(model, params, sentences(np.random.default_rng(2), 200, distance))[-1]
    before[name], after[name] = shares(model, start, probe), shares(model, params, probe)

# %%
# The gradients in sentences with 40 words after the first, before and after training on such sentences. The grey
# lines are what the forget gates alone would leave of them, :math:`0.98^k` and :math:`0.73^k`. More than that is left:
# the ways through the gates add to the direct one. In the open LSTM the gradient does not fade with distance, neither
# before nor after; in the other LSTM it fades, but far more slowly than in the tanh network. That of the GRU fades
# almost as fast at first, and far less once it has learned.

figure = Figure(figsize=(6.4, 7.2), layout="constrained")
panels = figure.subplots(2, 1, sharex=True, sharey=True)
for ax, curves, title in zip(panels, (before, after), ("Before training", "After 300 steps"), strict=True):
    for number, (name, left) in enumerate(curves.items()):
        ax.plot(np.arange(1, len(left) + 1), left, lw=1.8, label=name, **line_style(number))
    ax.set(yscale="log", ylabel="share of the gradient", title=title)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
steps = np.arange(DISTANCES[-1])
for gate, label in ((0.73, "forget gates alone"), (0.98, None)):
    panels[0].plot(steps + 1, gate**steps, color="0.4", lw=1.0, ls=":", label=label)
panels[1].set_xlabel("words before the end")
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
figure.savefig("memory_gradient.png", dpi=144)

# %%
# The losses at that distance, each point the mean of ten steps. The more of the gradient is left at the start, the
# sooner the network finds out that the first word matters. For the tanh network, 300 steps are not enough.

points = np.arange(10, STEPS + 1, 10)
curves = {name: (points, np.reshape(values, (-1, 10)).mean(axis=1)) for name, values in losses.items()}
figure = Figure(figsize=(6.8, 3.8), layout="constrained")
plot_loss(curves, ax=figure.subplots(), title="40 words to remember", ylabel="loss [nats per sentence]", bits=False)
figure.savefig("memory_loss.png", dpi=144)

# %%
# The accuracies, by distance. The dotted line is guessing.

figure = Figure(figsize=(6.4, 3.8), layout="constrained")
ax = figure.subplots()
for number, (name, values) in enumerate(reached.items()):
    ax.bar(np.arange(len(DISTANCES)) + 0.2 * (number - 1.5), values, 0.17, label=name, color=COLOURS[number])
ax.axhline(0.5, color="black", lw=1.0, ls=":")
ax.set_xticks(range(len(DISTANCES)), DISTANCES)
ax.set(xlabel="words after the first", ylabel="accuracy", title="Accuracy after 300 steps", ylim=(0.0, 1.05))
ax.spines[["top", "right"]].set_visible(False)
figure.legend(loc="outside lower center", ncols=4, frameon=False)
figure.savefig("memory_accuracy.png", dpi=144)

# %%
# Whether a network learns in 300 steps is also a matter of luck. Of eight seeds, 0 to 7, with 20 words in between, the
# tanh network learned in five and the others in all; with 40 words, the tanh network in three, the GRU in five, the
# LSTM in six and the open LSTM in all. This is seed 4.
#
# After training, a gradient that fades need not be a fault. The tanh network that has learned to remember the first of
# 20 words keeps it in saturated units: half of the slopes :math:`1 - h^2` are below 0.02. Later words hardly change
# such units, and hardly any gradient comes back through them. So networks can keep what they could not learn any more.

print(f"{'accuracy after 300 steps':32}" + "".join(f"{distance:>10}" for distance in DISTANCES))
for name, values in reached.items():
    print(f"{name:32}" + "".join(f"{value:10.3f}" for value in values))
print(f"\n{'share of the gradient after':32}{'10 steps':>10}{'39 steps':>10}")
for when, curves in (("before", before), ("after", after)):
    for name, left in curves.items():
        print(f"{f'{name}, {when} training':32}" + "".join(f"{left[step - 1]:10.0e}" for step in (11, 40)))
print(f"\ntanh, after learning to remember 20 words: {remembering['tanh', 20]:.0e} of the gradient is left")
