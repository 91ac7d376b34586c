"""The min-char-rnn recipe with nothing but portnn's ops: one tanh layer, one stream, Adagrad.

    python examples/min_char_rnn.py [STEPS] [FILE]

The recipe is Andrej Karpathy's (https://gist.github.com/karpathy/d4dee566867f8291f086): 100 hidden units, chunks of 25
characters, weights drawn from 0.01 N(0, 1), gradients clipped entry by entry to 5, Adagrad with a learning rate of
0.1, and a smoothed loss in nats per chunk. The one difference: portnn's layer has two biases, as PyTorch's does.
"""

import math
import sys
from pathlib import Path

import numpy as np
import numpy as xp  # or cupy, jax.numpy, array_api_compat.torch, array_api_strict ...: change this line alone

from portnn import ops
from portnn.datasets import python_documentation

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
text = Path(sys.argv[2]).read_text(encoding="utf-8") if len(sys.argv) > 2 else python_documentation()
characters = sorted(set(text))
ids = xp.asarray([characters.index(character) for character in text])
vocabulary, hidden, length, learning_rate = len(characters), 100, 25, 0.1

rng = np.random.default_rng(1)  # random numbers come from the host, so every library gets the same
shapes = [(vocabulary, hidden), (hidden, hidden), (hidden,), (hidden,), (hidden, vocabulary), (vocabulary,)]
params = [xp.asarray(0.01 * rng.standard_normal(n) if len(n) == 2 else np.zeros(n)) for n in shapes]
memory = [xp.zeros_like(param) for param in params]
no_state = xp.asarray(np.zeros((1, hidden)))


def loss_and_gradients(params, inputs, targets, h):
    """Cross-entropy summed over the chunk, its gradients, and the state after the chunk."""
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
        logits, _ = ops.linear(y, *params[4:], xp=xp)
        noise = xp.asarray(rng.gumbel(size=vocabulary), dtype=logits.dtype)
        drawn.append(int(xp.argmax(logits[0, 0, :] + noise)))  # with Gumbel noise, argmax draws from the softmax
    return "".join(characters[i] for i in drawn[1:])


h, start = no_state, 0
smooth_loss = math.log(vocabulary) * length
for step in range(steps + 1):
    if start + length + 1 > ids.shape[0]:
        h, start = no_state, 0
    inputs, targets = ids[start : start + length], ids[start + 1 : start + length + 1]
    if step % 1000 == 0:
        print(f"----\n{sample(params, h, int(inputs[0]), 200)}\n----")
    loss, gradients, h = loss_and_gradients(params, inputs[:, None], targets[:, None], h)
    smooth_loss = 0.999 * smooth_loss + 0.001 * float(loss)
    if step % 100 == 0:
        print(f"step {step}, smoothed loss {smooth_loss:.3f} nats per {length} characters")
    for k, gradient in enumerate(gradients):
        gradient = xp.clip(gradient, -5.0, 5.0)
        memory[k] = memory[k] + gradient * gradient
        params[k] = params[k] - learning_rate * gradient / xp.sqrt(memory[k] + 1e-8)
    start += length
