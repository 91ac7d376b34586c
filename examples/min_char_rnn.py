"""The min-char-rnn recipe with portnn's ops alone: one tanh layer, one stream, Adagrad.

    python examples/min_char_rnn.py [STEPS] [FILE]

The recipe is Andrej Karpathy's (https://gist.github.com/karpathy/d4dee566867f8291f086): 100 hidden units, 25
characters a chunk, weights from 0.01 N(0, 1), gradients clipped entry by entry to 5, Adagrad with a step of 0.1, and
a smoothed loss in nats per chunk. What differs: the two biases that portnn's layer has, as PyTorch's does.
"""

import sys
from pathlib import Path

import numpy as xp  # or cupy, jax.numpy, array_api_strict ...: nothing below would change

from portnn import ops
from portnn.datasets import python_documentation

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
text = Path(sys.argv[2]).read_text(encoding="utf-8") if len(sys.argv) > 2 else python_documentation()
characters = sorted(set(text))
ids = xp.asarray([characters.index(character) for character in text])
vocabulary, hidden, length, rate = len(characters), 100, 25, 0.1

rng = xp.random.default_rng(1)
layer = ops.Weights(
    0.01 * rng.standard_normal((vocabulary, hidden)),
    0.01 * rng.standard_normal((hidden, hidden)),
    xp.zeros(hidden),
    xp.zeros(hidden),
)
params = [*layer, 0.01 * rng.standard_normal((hidden, vocabulary)), xp.zeros(vocabulary)]
memory = [xp.zeros_like(param) for param in params]


def loss_and_gradients(params, inputs, targets, h):
    """Sum of the cross-entropy over the chunk, its gradients, and the state after it."""
    layer, head = ops.Weights(*params[:4]), params[4:]
    y, (h,), rnn_cache = ops.rnn(inputs, (h,), layer, xp=xp)
    logits, head_cache = ops.linear(y, *head, xp=xp)
    loss, loss_cache = ops.cross_entropy(logits, targets, xp=xp)

    dlogits = ops.cross_entropy_backward(float(length), loss_cache, xp=xp)
    dy, *dhead = ops.linear_backward(dlogits, head_cache, xp=xp)
    dlayer = ops.rnn_backward(dy, (xp.zeros_like(h),), rnn_cache, xp=xp).weights
    return loss * length, [*dlayer, *dhead], h


def sample(params, h, start, count):
    """Draw `count` characters, one at a time."""
    drawn = [start]
    for _ in range(count):
        y, (h,), _ = ops.rnn(xp.asarray([[drawn[-1]]]), (h,), ops.Weights(*params[:4]), xp=xp)
        probabilities, _ = ops.softmax(ops.linear(y, *params[4:], xp=xp)[0], xp=xp)
        drawn.append(int(rng.choice(vocabulary, p=probabilities[0, 0])))
    return "".join(characters[i] for i in drawn[1:])


h, start = xp.zeros((1, hidden)), 0
smooth = float(xp.log(vocabulary)) * length
for step in range(steps + 1):
    if start + length + 1 > len(ids):
        h, start = xp.zeros((1, hidden)), 0
    inputs, targets = ids[start : start + length], ids[start + 1 : start + length + 1]
    if step % 1000 == 0:
        print(f"----\n{sample(params, h, int(inputs[0]), 200)}\n----")
    loss, grads, h = loss_and_gradients(params, inputs[:, None], targets[:, None], h)
    smooth = 0.999 * smooth + 0.001 * float(loss)
    if step % 100 == 0:
        print(f"step {step}, smoothed loss {smooth:.3f} nats per {length} characters")
    for k, grad in enumerate(grads):
        grad = xp.clip(grad, -5.0, 5.0)
        memory[k] = memory[k] + grad * grad
        params[k] = params[k] - rate * grad / xp.sqrt(memory[k] + 1e-8)
    start += length
