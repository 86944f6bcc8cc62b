# %% [markdown]
# # One net, both ways
#
# A classifier answers one question. A network whose weights also run downward answers others with the same weights: what
# does a 7 look like, what is the missing half of this image, is this image likely at all? This page trains such a pair on
# handwritten digits and asks each question beside the simplest thing that answers it too.
#
# ## Data, network, rule
#
# 1,347 digits of 8x8 black and white pixels to train on, 450 held out. The layers are 64-100-50-10, the class on top. Upward
# the matrices recognise; transposed, the same matrices generate. The rule `hybrid` is wake-sleep with a back-propagated term for
# the label.

# %%
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import vestige
from vestige.training import fit

experiment = vestige.registry("experiment")["tied-digits"].preset("small").choose({"rule": "hybrid"})
model, task, rule, optimiser, key, _ = experiment.build(seed=0)
trained = fit(model, task, rule=rule, optimiser=optimiser, steps=4200, batch_size=100, key=key).model
evaluate = eqx.filter_jit(lambda task, model, key: task.evaluate(model, size=450, key=key))
metrics = {name: float(value) for name, value in evaluate(task, trained, jax.random.key(1)).items()}

# %% [markdown]
# ## What anyone would try first
#
# One method for each question: logistic regression for the class; independent pixels for how likely an image is; and for
# the lower half, that of the training image whose upper half is nearest.

# %%
from sklearn.linear_model import LogisticRegression

train, classes = np.asarray(task.train), np.asarray(task.train_labels).argmax(axis=1)
test, truth = np.asarray(task.test), np.asarray(task.test_labels)
regression = LogisticRegression(max_iter=500).fit(train, classes)
nearest = np.abs(test[:, None, :32] - train[None, :, :32]).sum(axis=2).argmin(axis=1)
alone = task.bounds(metrics)["nll"]["chance"]

print(f"{'held out':36}{'the pair':>10}{'baseline':>10}")
print(f"{'wrong classes':36}{metrics['error']:10.1%}{1 - regression.score(test, truth):10.1%}  logistic regression")
print(
    f"{'wrong pixels of the lower half':36}{metrics['inpainting']:10.1%}{np.mean(train[nearest][:, 32:] != test[:, 32:]):10.1%}  nearest upper half"
)
print(f"{'-log p(image), nats':36}{metrics['nll']:10.1f}{alone:10.1f}  independent pixels")

# %% [markdown]
# ## The three questions in pictures
#
# Downward from each class; the lower half filled in by sampling up and down with the upper half held; and which held-out
# image is least likely.

# %%
from vestige.models.tied import generated, inpainted

net = trained.resolve()
draw = jax.jit(jax.vmap(lambda top, key: generated(net, top, key=key)))
digits = draw(jnp.eye(10), jax.random.split(jax.random.key(3), 10))
given = task.upper_half()
complete = jax.jit(jax.vmap(lambda image, key: inpainted(net, image, given, sweeps=50, key=key)))
filled = complete(task.test[:10], jax.random.split(jax.random.key(4), 10))

# %%
import matplotlib.pyplot as plt

figure, rows = plt.subplots(
    4,
    10,
    figsize=(7.5, 3.2),
    num="Digits generated for each class; held-out digits; the same completed; by the nearest",
)
pictures = [digits, test[:10], filled, np.concatenate([test[:10, :32], train[nearest[:10]][:, 32:]], axis=1)]
for axes, images, label in zip(rows, pictures, ("generated", "held out", "completed", "nearest"), strict=True):
    for axis, image in zip(axes, images, strict=True):
        axis.imshow(np.asarray(image).reshape(8, 8), cmap="Greys", vmin=0, vmax=1)
        axis.set(xticks=[], yticks=[])
    axes[0].set_ylabel(label, rotation=0, ha="right", va="center")

# %% [markdown]
# The first row is made from ten class labels and noise. In the third row the upper half is given and the lower half is a
# probability for each pixel. The nearest training image fills it in with fewer wrong pixels, 15.7% against
# 19.3%: if completion is all that you want, take it.
#
# [Results](../results/tied.md#digits-recognition-and-generation-together) has three seeds, untied weights, and rules under
# which no gradient crosses a layer at all. In scikit-learn's form the same model is `vestige.Classifier`, `Completer` and
# `Embedder`: see [your data](../your-data.md#in-scikit-learn_1).
#
# ## When this is the wrong tool
#
# - **You want the class and nothing else.** A plain classifier of the same layers makes 5% to 6% errors; gradient boosting
#   or logistic regression take seconds.
# - **You want missing values of a table filled in.** scikit-learn's imputers are better on small tables with columns that depend on each
#   other linearly: [measured](../results/own-data.md#tables-with-classes).
# - **You want beautiful pictures.** Bits in two hidden layers make blurred ones. Use a diffusion model.

# %% [check]
assert metrics["error"] < 0.12
assert metrics["nll"] < alone
