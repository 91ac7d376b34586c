r"""
11. From picture to sentence
============================

A picture goes in, and a sentence comes out: one network sees, another speaks. This study follows a picture from its
pixels to the words, and the gradient from the words back to the pixels, with the shape of every array on the way.
"""

import numpy as np
from matplotlib.figure import Figure

import portnn
from portnn import datasets, ops
from portnn.models import CaptionBatch
from portnn.plots.palette import COLOURS

# %%
# Pictures and sentences
# ----------------------
#
# Pictures of two handwritten digits, and sentences about them. Those to test on are in other handwriting.

WORDS = "a an then from left to right is the of larger than zero one two three four five six seven eight nine"


def about(digits):
    """Sentences in these words that are true of the digits."""
    return [sentence for sentence in datasets.sentences_about(digits) if {*sentence.split()} <= {*WORDS.split()}]


data = datasets.captioned_digits(2000, seed=0)
two, test_two = ([i for i, one in enumerate(shown) if len(one) == 2] for shown in (data.shown, data.test_shown))
pictures, shown = data.images[two, :, :16], [data.shown[i] for i in two]
test_pictures, test_shown = data.test_images[test_two, :, :16], [data.test_shown[i] for i in test_two]
print(
    f"{len(pictures)} pictures to learn from, {len(test_pictures)} to test on; of the first:",
    *about(shown[0]),
    sep="\n",
)

# %%
# A network that sees
# -------------------
#
# First, a small convolutional network learns to tell single digits apart. Then its last layer, which has a logit for
# each digit, is taken away. What that layer used to read remains: 32 numbers in which digits are easy to tell apart.
# Those of a picture's two places, side by side, are :math:`v`.

single = datasets.digits(seed=0)
net = portnn.ConvNet(channels=(8, 16), hidden=(32,), dropout=0.3, seed=0, dtype="float64")
options = {"batch_size": 32, "schedule": "cosine", "progress": False}
net.fit(single.images, single.labels, epochs=15, learning_rate=0.003, **options)


def features(pictures):
    """Vector v of each picture: (n, 64)."""
    return np.concatenate([net.features(place) for place in np.split(pictures, 2, axis=2)], axis=1)


# %%
# A network that speaks
# ---------------------
#
# Its vocabulary has one word more than the sentences, the boundary: the first input, where it means "start", and the
# last output, where it means "end". The network reads a word :math:`w_t` and is to say the next one:
#
# .. math::
#
#    h_t = \tanh(x_t W_{xh} + h_{t-1} W_{hh} + v W_{ih} + b), \qquad y_t = h_t V + c, \qquad
#    p_t = \operatorname{softmax}(y_t)
#
# Here :math:`x_t` is the vector of :math:`w_t`, a row of a table :math:`E`, and :math:`h_0 = 0`. The picture has its
# say at every step. `portnn` adds :math:`u = v W + d` to each :math:`x_t`, so that :math:`W_{ih} = W W_{xh}`. (With
# ``features_at="first"``, it only has the first word: :math:`h_0 = \tanh(v W + d)`, and there is no :math:`W_{ih}`.)

speaker = portnn.Captioner(cell="rnn", hidden_size=64, embedding_size=32, features_at="every", dropout=0.2, seed=0)
speaker.fit(features(pictures), [about(digits) for digits in shown], epochs=40, learning_rate=0.004, **options)
model, params, words = speaker.model, speaker.params, [*speaker.vocabulary.words, "(unknown)", "(boundary)"]

# %%
# From the pixels to v
# --------------------
#
# One of the test pictures, with the operations of `portnn.ops` and the weights of the networks. The shape of a batch is
# pictures x height x width x channels, and here the two places are the pictures.


def table(*rows):
    """Print step, formula and shape."""
    for step, formula, array in rows:
        print(f"{step:8}{formula:40}{' x '.join(map(str, array.shape)) or 'a number'}")


def layer(params, name):
    """Weight and bias of a layer."""
    return params[f"{name}.weight"], params[f"{name}.bias"]


number = test_shown.index((7, 4))
places = np.stack(np.split(test_pictures[number], 2, axis=1))
z1, of_z1 = ops.conv2d(places, *layer(net.params, "convolutions.0"), padding="same")
a1, of_a1 = ops.relu(z1)
m1, of_m1 = ops.max_pool2d(a1, 2)
z2, of_z2 = ops.conv2d(m1, *layer(net.params, "convolutions.1"), padding="same")
a2, of_a2 = ops.relu(z2)
m2, of_m2 = ops.max_pool2d(a2, 2)
r, of_r = ops.flatten(m2)
z3, of_z3 = ops.linear(r, *layer(net.params, "layers.0"))
a3, of_a3 = ops.relu(z3)
v, of_v = ops.flatten(a3[None])
assert np.allclose(v, features(test_pictures[[number]]), rtol=1e-12, atol=1e-12)
table(("places", "the halves of the picture", places), ("z1", "conv2d: 8 kernels of 3 x 3 x 1", z1))
table(("m1", "max_pool2d(relu(z1))", m1), ("z2", "conv2d: 16 kernels of 3 x 3 x 8", z2))
table(
    ("m2", "max_pool2d(relu(z2))", m2), ("r", "flatten(m2)", r), ("a3", "relu(r W3 + b3)", a3), ("v", "as one row", v)
)

# %%
# From v to the loss
# ------------------
#
# In training, the network reads the words of the sentence that it is given, whatever it would have said itself: teacher
# forcing. The shape of a sequence is steps x pictures x numbers.

sentence = "a seven is to the left of a four"
ids = [words.index(word) for word in sentence.split()]
inputs, targets = np.asarray([[model.boundary, *ids], [*ids, model.boundary]])[:, :, None]
x, of_x = ops.embedding(inputs, params["embedding.weight"])
u, of_u = ops.linear(v, *layer(params, "entrance"))
weights, zero = ops.Weights(*(params[f"layers.0.{name}"] for name in ops.Weights._fields)), (np.zeros((1, 64)),)
h, _, of_h = ops.rnn(x + u, zero, weights)
y, of_y = ops.linear(h, *layer(params, "output"))
loss, of_loss = ops.cross_entropy(y, targets)
table(("w", "the boundary and the words", inputs), ("x", "embedding: rows of E", x), ("u", "v W + d", u))
table(("h", "rnn(x + u): tanh at every step", h), ("y", "h V + c", y), ("loss", "cross_entropy: mean over steps", loss))

# %%
# Each word, and the end, costs :math:`-\log p` of what is to be said. Two of the four sentences start with "a", and one
# of these two goes on with "is". Nothing in the picture says which it will be, so at best these two words cost
# :math:`\log 2 = 0.69` each. The digits are in the picture, and the rest is grammar.

p = ops.softmax(y)[0]
print(f"{'reads':12}{'is to say':12}  loss, on average {loss:.2f}")
for t in range(len(inputs)):
    print(f"{words[inputs[t, 0]]:12}{words[targets[t, 0]]:12}{-np.log(p[t, 0, targets[t, 0]]):6.2f}")

# %%
# And back
# --------
#
# The same way in the other direction. All steps share the weights and :math:`u`, so their gradients are sums:
#
# .. math::
#
#    dz_t = (dy_t V^\top + dz_{t+1} W_{hh}^\top) \odot (1 - h_t \odot h_t), \qquad
#    du = \sum_t dz_t W_{xh}^\top, \qquad dv = du \, W^\top
#
# `portnn.models.RecurrentDecoder`, the network of a captioner, finds the same loss and gradients.

dy = ops.cross_entropy_backward(1.0, of_loss)
dh, dV, dc = ops.linear_backward(dy, of_y)
dx, _, dweights = ops.rnn_backward(dh, zero, of_h)
dE = ops.embedding_backward(dx, of_x)
dv, dW, dd = ops.linear_backward(np.sum(dx, axis=0), of_u)
da3 = ops.flatten_backward(dv, of_v)[0]
dr, *_ = ops.linear_backward(ops.relu_backward(da3, of_a3), of_z3)
da2 = ops.max_pool2d_backward(ops.flatten_backward(dr, of_r), of_m2)
dm1, *_ = ops.conv2d_backward(ops.relu_backward(da2, of_a2), of_z2)
dplaces, *_ = ops.conv2d_backward(ops.relu_backward(ops.max_pool2d_backward(dm1, of_m1), of_a1), of_z1)
table(("dy", f"(p - target) / {len(y)}", dy), ("dV", "h^T dy", dV), ("dh", "dy V^T", dh), ("dx", "dz Wxh^T", dx))
table(("dWhh", "sum of h_(t-1)^T dz_t", dweights.weight_hh), ("dE", "dx, added up in rows of E", dE))
table(("dW", "v^T du, with du the sum of dx", dW), ("dv", "du W^T", dv), ("da3", "dv, a row for each place", da3))
table(("dr", "(da3 where a3 > 0) W3^T", dr), ("dm1", "back to z2, then to m1", dm1), ("dplaces", "likewise", dplaces))
by_model, _, cache = model.loss(params, CaptionBatch(v, inputs, targets, np.ones(inputs.shape)), xp=np)
expected = {"v": model.backward(dy, cache.logits, xp=np)[0], **model.gradients(cache, xp=np)}
expected["places"] = net.model.features_backward(da3, net.model.features_of(net.params, places, xp=np)[1], xp=np)[0]
found = {f"layers.0.{name}": grad for name, grad in dweights._asdict().items()} | {"v": dv, "places": dplaces}
found |= {"embedding.weight": dE, "entrance.weight": dW, "entrance.bias": dd}
found |= {"output.weight": dV, "output.bias": dc}
worst = max(abs(loss - by_model), *(np.abs(found[name] - expected[name]).max() for name in expected))
print(f"largest difference from portnn.models: {worst:.0e}")
assert worst < 1e-12

# %%
# Word by word
# ------------
#
# Without a teacher, the network reads what it has said itself: the likeliest word each time, until that is the
# boundary. Here are the three likeliest words at each step, with their probabilities.

said, state = [model.boundary], zero
while len(said) == 1 or (said[-1] != model.boundary and len(said) < 30):
    h_t, state, _ = ops.rnn(params["embedding.weight"][said[-1]][None, None] + u, state, weights)
    p_t = ops.softmax(ops.linear(h_t, *layer(params, "output"))[0])[0][0, 0]
    likeliest = np.argsort(-p_t)[:3]
    print(f"{len(said):2}" + "".join(f"   {words[i]:11}{p_t[i]:.2f}" for i in likeliest))
    said.append(likeliest[0])
assert speaker.generate(v)[0].words == tuple(words[i] for i in said[1:-1])

# %%
# Where in time the picture matters
# ---------------------------------
#
# How much does a word owe to the picture? The gradient of its log-probability with respect to :math:`v` says so. It
# starts at the word's own logits, goes back through time, and from every step on its way, a part arrives at :math:`v`.
# The sum of the parts is what `portnn.Captioner.word_gradients` returns.

parts = np.zeros((len(y), len(y), 64))  # of word t, by way of step s
for t in range(len(y)):  # dy is that of the mean cost, which is minus the mean log-probability
    dlogits = np.where(np.arange(len(y))[:, None, None] == t, -len(y) * dy, 0.0)
    back, *_ = ops.rnn_backward(ops.linear_backward(dlogits, of_y)[0], zero, of_h)
    parts[t] = back[:, 0] @ params["entrance.weight"].T
assert np.allclose(np.sum(parts, axis=1), speaker.word_gradients(v[0], sentence), rtol=1e-9, atol=1e-12)
lengths = np.linalg.norm(parts, axis=2)
figure = Figure(figsize=(8.4, 4.6), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=(2, 3))
left.imshow(test_pictures[number, :, :, 0], cmap="gray_r")
left.set(xticks=[], yticks=[], title="The picture")
image = right.imshow(lengths / lengths.sum(axis=1, keepdims=True), cmap="Blues", vmin=0.0, vmax=1.0)
right.set_xticks(range(len(ids) + 1), ["(start)", *sentence.split()], rotation=90)
right.set_yticks(range(len(ids) + 1), [*sentence.split(), "(end)"])
right.set(xlabel="the step that reads", ylabel="the word to be said", title="Shares of each word's gradient")
figure.colorbar(image, ax=right)
figure.savefig("caption.png", dpi=144)

# %%
# Most comes by way of the last few steps. How much that is depends on the word. Here are means over all test pictures
# of two different digits. The names of the digits owe most to the picture, each more to its own place, and an article
# owes something, too, since "eight" needs "an". Between "is" and the second article, the sentence goes on by itself.

vs, kept = features(test_pictures), [row for row, (one, other) in enumerate(test_shown) if one != other]
gradients = np.stack([speaker.word_gradients(vs[row], about(test_shown[row])[2]) for row in kept])
means = np.linalg.norm(gradients.reshape(*gradients.shape[:2], 2, -1), axis=3).mean(axis=0)
figure = Figure(figsize=(7.6, 3.8), layout="constrained")
ax = figure.subplots()
for place, name in enumerate(("left", "right")):
    ax.bar(np.arange(10) + 0.4 * place - 0.2, means[:, place], 0.36, color=COLOURS[place], label=f"{name} place")
ax.set_xticks(range(10), ["a(n)", "left\ndigit", *sentence.split()[2:7], "a(n)", "right\ndigit", "(end)"])
ax.set(ylabel="mean length of the gradient of v", title=f"{len(kept)} pictures that no network has seen")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="upper center")
figure.savefig("caption_time.png", dpi=144)

# %%
# A sentence is right if it is one of those that are true of its picture. The results:

true = [str(caption) in about(digits) for caption, digits in zip(speaker.generate(vs), test_shown, strict=True)]
print(f"{'':44}{'here':>10}{'to reproduce':>16}")
print(f"{'unseen digits, read right':44}{net.score(single.test_images, single.test_labels):10.3f}{'at least 0.93':>16}")
print(f"{'unseen pictures, said right':44}{np.mean(true):10.3f}{'at least 0.70':>16}")
