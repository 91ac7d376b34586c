"""From picture to sentence, without a download: a convolutional network looks, a recurrent one speaks.

    python examples/captions.py [EPOCHS] [SEED]

A ConvNet learns to read scikit-learn's handwritten digits. Its last layer is taken away; what that layer saw of an
image, 128 numbers, are the features of a digit. Pictures of one, two or three digits side by side are described by the
features of their three places, and an LSTM learns to say sentences about them, of a small grammar: which digits they
show, which is the larger or odd, which is to the left of which. Pictures for the test are made of digits that neither
network has seen. A sentence about one of them counts as right only if every word is: if it is one of all the sentences
that the grammar has for that picture.

captions.png shows pictures with what is said of them; looks.png where in time the picture matters: which of its places
each word owes its probability to.
"""

import sys

import numpy as np

import portnn
from portnn.datasets import captioned_digits, digits, sentences_about

PLACES, SHOWN = 3, 12
epochs = float(sys.argv[1]) if len(sys.argv) > 1 else None
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0

# A network that reads one digit.
single = digits(seed=seed)
net_recipe = portnn.ConvNet.recipe("digits")
net_run = net_recipe.run if epochs is None else {**net_recipe.run, "epochs": epochs}
net = portnn.ConvNet(**net_recipe.model, seed=seed, dtype="float32").fit(single.images, single.labels, **net_run)
print(f"digits it has not seen, read right: {net.score(single.test_images, single.test_labels):.3f}")


def features(pictures):
    """What the network sees at each place of a picture, side by side: (n, 3 * 128)."""
    return np.concatenate([net.features(place) for place in np.split(pictures, PLACES, axis=2)], axis=1)


# A network that speaks.
data = captioned_digits(4000, captions=4, seed=seed)
recipe = portnn.Captioner.recipe("digits")
run = recipe.run if epochs is None else {**recipe.run, "epochs": epochs}
speaker = portnn.Captioner(**recipe.model, seed=seed).fit(features(data.images), data.captions, **run)

# What it says of pictures that it has not seen.
v = features(data.test_images)
for way, options in {"word by word": {}, "beam of 5": {"beam": 5}}.items():
    said = speaker.generate(v, **options)
    right = [str(caption) in sentences_about(shown) for caption, shown in zip(said, data.test_shown, strict=True)]
    print(f"captions of {len(said)} pictures, {way}: {np.mean(right):.3f} are exactly right")
for caption, shown in list(zip(said, data.test_shown, strict=True))[:SHOWN]:
    print(f"{' '.join(map(str, shown)):8}{caption}  (probability {np.exp(caption.log_probability):.2f})")

try:
    import matplotlib.pyplot as plt
except ModuleNotFoundError:
    raise SystemExit('no pictures: they need matplotlib; python -m pip install "portnn[plot]"') from None

figure, axes = plt.subplots(SHOWN // 3, 3, figsize=(9.0, 1.1 * SHOWN // 3), layout="constrained")
for ax, picture, caption in zip(axes.flat, data.test_images, said, strict=False):
    ax.imshow(picture[:, :, 0], cmap="gray_r")
    ax.set_xlabel(str(caption), fontsize=9)
    ax.set(xticks=[], yticks=[])
figure.suptitle("Pictures that neither network has seen, and what is said of them", fontsize=11)
figure.savefig("captions.png", dpi=144)

# Where each word looks: the length of the gradient of its log-probability with respect to the features of each place.
several = [row for row, shown in enumerate(data.test_shown) if len(shown) == PLACES][:3]
figure, axes = plt.subplots(2, 3, figsize=(11.0, 5.0), height_ratios=(1, 4), layout="constrained")
for column, row in enumerate(several):
    gradients = speaker.word_gradients(v[row], str(said[row])).reshape(-1, PLACES, v.shape[1] // PLACES)
    lengths = np.sqrt(np.sum(gradients**2, axis=2))
    axes[0, column].imshow(data.test_images[row][:, :, 0], cmap="gray_r", aspect="auto")
    axes[0, column].set(xticks=[], yticks=[])
    axes[1, column].imshow(lengths, cmap="Blues", vmin=0.0, aspect="auto")
    axes[1, column].set_yticks(range(len(lengths)), [*said[row].words, "(end)"])
    axes[1, column].set_xticks(range(PLACES), ["left", "middle", "right"])
figure.suptitle(
    "Where each word looks: the gradient of its log-probability, place by place; the darker, the longer", fontsize=11
)
figure.savefig("looks.png", dpi=144)
print("wrote captions.png and looks.png")
