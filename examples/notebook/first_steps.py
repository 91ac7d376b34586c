r"""
First steps in a notebook
=========================

Three models, from text and from a table: train them, look at them, use them. Every cell
takes a few seconds.
"""
# sphinx_gallery_capture_repr = ("_repr_html_", "__repr__")

import numpy as np

import portnn
from portnn.datasets import python_documentation, rings
from portnn.plots import plot_decision_boundary, plot_loss, plot_words

# %%
# A model that writes
# -------------------
#
# A character RNN learns to predict the next character of a text: here, of the documentation that ships with Python. A
# bar shows how far it is. When the cell ends, the model shows its settings, the curve of its loss and the shapes of its
# parameters.
#
# You can stop the cell at any time: the model keeps what it has learned so far, and another ``fit`` goes on from there.

text = python_documentation()
writer = portnn.CharRNN(cell="gru", hidden_size=64, seed=1)
writer.fit(text, steps=300, learning_rate=8e-3, evaluate_every=50)

# %%
# The loss is in nats per character; the axis on the right has it in bits. The dots are the loss on text that the model
# was not trained on.

plot_loss(writer.metrics)

# %%
# It has seen the text for a few seconds, and spells a little.

print(writer.sample(200, prime="The ", temperature=0.6))

# %%
# A classifier
# ------------
#
# One class surrounds the other, so that no straight line separates them. A hidden layer of 16 units finds a curve that
# does. A fifth of the points is held out: it is measured, and not trained on.

X, y = rings(points=150, inner=0.5, noise=0.1, seed=0)
labels = np.where(y == 1, "inner", "outer")
classifier = portnn.MLP((16,), activation="tanh", seed=0)
classifier.fit(X, labels, epochs=150, learning_rate=0.02, held_out=0.2)

# %%
# Colour is the predicted class of each place, and the black line the border between them.

plot_decision_boundary(classifier, X, labels)

# %%
# Words
# -----
#
# Words that occur in like surroundings get like vectors.

words = portnn.Word2Vec(vector_size=50, lines=False, epochs=5, seed=1)
words.fit(text)

# %%

[(word, round(cosine, 2)) for word, cosine in words.wv.most_similar("true", topn=3)]

# %%
# Only two dimensions of fifty fit on a page, so distances are approximate.

shown = "true false none list tuple dict read write open close"
plot_words(words.wv, shown.split())

# %%
# Next
# ----
#
# ``writer.save("writer.safetensors")`` keeps a model, and ``portnn.load`` reads it again. With ``fit(..., out="run")``
# a long run saves itself as it goes on, and ``resume=True`` continues it where it stopped.
