"""Is this sentence positive? A recurrent classifier with nothing but portnn's ops: one tanh layer, read at its end.

    python examples/text_classifier.py [EPOCHS] [SEED]

The plain recipe: 64 hidden units, words as one-hot vectors, weights drawn from N(0, 1) / 1000, biases of zero, one
sentence a step, gradient descent with a learning rate of 0.02, gradients clipped entry by entry to 1, and 1,000 epochs,
each in a new order. SEED decides the weights and the orders; the sentences stay the same.
"""

import sys

import numpy as np
import numpy as xp  # or cupy, jax.numpy, array_api_compat.torch, array_api_strict ...: change this line alone

from portnn import ops
from portnn.datasets import sentiment_sentences

epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
train, test = sentiment_sentences()
words = sorted({word for text in train.texts for word in text.split()})
vocabulary, hidden, classes, learning_rate = len(words), 64, 2, 0.02

rng = np.random.default_rng(seed)  # random numbers come from the host, so every library gets the same
shapes = [(vocabulary, hidden), (hidden, hidden), (hidden,), (hidden,), (hidden, classes), (classes,)]
params = [xp.asarray(rng.standard_normal(n) / 1000 if len(n) == 2 else np.zeros(n)) for n in shapes]
no_state = xp.asarray(np.zeros((1, hidden)))


def encoded(sentences):
    """Ids (time, 1), label (1,), and the gradient of the states (time, 1, hidden), which only the last one has."""
    for text, label in zip(sentences.texts, sentences.labels.tolist(), strict=True):
        ids = [[words.index(word)] for word in text.split()]
        yield xp.asarray(ids), xp.asarray([label]), xp.asarray(np.zeros((len(ids), 1, hidden)))


def classify(params, ids):
    """Logits of the two classes from the state after the last word."""
    _, (h,), rnn_cache = ops.rnn(ids, (no_state,), ops.Weights(*params[:4]), xp=xp)
    logits, head_cache = ops.linear(h, *params[4:], xp=xp)
    return logits, (rnn_cache, head_cache)


def gradients_of(params, ids, label, no_dy):
    """Gradients of the cross-entropy of one sentence."""
    logits, (rnn_cache, head_cache) = classify(params, ids)
    _, loss_cache = ops.cross_entropy(logits, label, xp=xp)

    dlogits = ops.cross_entropy_backward(1.0, loss_cache, xp=xp)
    dh, *dhead = ops.linear_backward(dlogits, head_cache, xp=xp)
    dlayer = ops.rnn_backward(no_dy, (dh,), rnn_cache, xp=xp).weights
    return [*dlayer, *dhead]


def measured(params, sentences):
    """Mean loss in nats, and the share of right answers."""
    loss, right = 0.0, 0
    for ids, label, _ in sentences:
        logits, _ = classify(params, ids)
        loss += float(ops.cross_entropy(logits, label, xp=xp)[0])
        right += int(xp.argmax(logits[0, :])) == int(label[0])
    return f"loss {loss / len(sentences):.4f}, accuracy {right / len(sentences):.3f}"


train, test = list(encoded(train)), list(encoded(test))
print(f"epoch 0: train {measured(params, train)}; test {measured(params, test)}")
for epoch in range(1, epochs + 1):
    for i in rng.permutation(len(train)):
        for k, gradient in enumerate(gradients_of(params, *train[i])):
            params[k] = params[k] - learning_rate * xp.clip(gradient, -1.0, 1.0)
    if epoch % 100 == 0:
        print(f"epoch {epoch}: train {measured(params, train)}; test {measured(params, test)}")
