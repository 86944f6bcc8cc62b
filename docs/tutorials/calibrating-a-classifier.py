# %% [markdown]
# # Calibrate a classifier
#
# You have a trained classifier, and somebody wants to act on its probabilities. Are they right? Of all decisions made with
# 0.9, are nine in ten correct? `vestige.calibrate` measures this on labelled rows that the classifier has not seen, for six
# ways to get probabilities out of the same network, with intervals. It trains nothing.
#
# ## A classifier that is too sure
#
# Two hidden layers of 100 units, trained by scikit-learn on 100 handwritten digits for 3,000 epochs, without weight decay and without
# early stopping.

# %%
import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

images, labels = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(images))
images, labels = images[order] / 16, labels[order]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of updates that could go on
    classifier = MLPClassifier(
        (100, 100), activation="logistic", alpha=0, max_iter=3000, tol=0, n_iter_no_change=3000, random_state=0
    )
    classifier.fit(images[:100], labels[:100])

# %% [markdown]
# ## Six ways, side by side
#
# `plain` is the forward pass: what anyone has already. `temperature` divides the logits by one number, fitted on half of the
# rows; it is what anyone should try first. `ap2` and `sampled` propagate uncertainty through the hidden units and need no
# labels. All are evaluated on the other half of the rows.

# %%
import vestige

found = vestige.calibrate(classifier, images[100:1100], labels[100:1100])
print(f"{'':17}{'loss, nats':>12}{'95% interval':>18}{'calibration error':>20}{'error':>8}")
for name, way in found.ways.items():
    interval = f"{way.nll.low:.3f} to {way.nll.high:.3f}"
    print(f"{name:17}{way.nll.value:12.3f}{interval:>18}{way.ece.value:20.3f}{way.error.value:8.3f}")
print(found.sentence())

# %% [markdown]
# A calibration error is above zero even where every probability is right, for want of rows:

# %%
print(f"expected of a perfect classifier on as many rows: {found.ways['plain'].ece_if_perfect:.3f}")

# %%
import matplotlib.pyplot as plt

truth = labels[100:1100][found.test_rows]
figure, axes = plt.subplots(1, 3, num="Confidence against accuracy of three ways; the diagonal is a perfect classifier")
for axis, name in zip(axes, ("plain", "ap2", "temperature"), strict=True):
    confidence, right = found.probabilities[name].max(axis=1), found.probabilities[name].argmax(axis=1) == truth
    bins = np.array_split(np.argsort(confidence), 8)
    axis.plot([0, 1], [0, 1], color="0.7")
    axis.plot([confidence[rows].mean() for rows in bins], [right[rows].mean() for rows in bins], "o-")
    axis.set(title=name, xlabel="confidence", aspect="equal")
axes[0].set(ylabel="share that is right")
figure.tight_layout()

# %% [markdown]
# This network is too sure. A temperature cures most of it and is the best of the six. AP2 helps without a single label, by
# less. `sampled` and `ap2` can also harm: had training stopped after 400 epochs, the network would not be too sure, and AP2
# would raise the loss.
#
# On the command line: `vestige calibrate MODEL DATA --outcome COL`, with the layers of any network in a `.safetensors` file. See
# [your data](../your-data.md#calibrate-a-classifier), which has eight data sets and three seeds. There AP2 helps networks
# that are too sure and harms those that are not.
#
# ## When this is the wrong tool
#
# - **You have labelled rows to spare.** Then a temperature is the first choice, and scikit-learn's `CalibratedClassifierCV`
#   or twenty lines of SciPy give it to you.
# - **Units other than logistic or tanh.** `ap2` and `sampled` take hidden units for means of bits, and refuse ReLU.
# - **The data have moved since training.** No way here knows of it; all are evaluated on rows like those given.
# - **A decision at one threshold.** Then look at errors and costs at that threshold.

# %% [check]
assert found.ways["temperature"].nll.value <= found.ways["plain"].nll.value
assert set(found.ways) == {"plain", "ap2", "sampled", "temperature", "ap2-temperature", "isotonic"}
