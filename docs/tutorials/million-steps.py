# %% [markdown]
# # A stream of a million steps on a laptop
#
# A log holds events, and outcomes that depend on something long ago. Back-propagation stores every step between the two.
# MemUP does not: it finds the steps that a local predictor is uncertain about, and at the end of each short rollout queries
# the memory about those, however far ahead. What is stored for the backward pass is a rollout, whatever the distance.
#
# ## A file of a million steps
#
# Each step holds an event of seven kinds. Kinds 0 to 3 are symbols that appear now and then; kind 4 is nothing; kind 5 queries
# the last symbol, 15 to 40 steps after it; kind 6 has an outcome that nobody can predict. Only kinds 5 and 6 have an
# outcome; it is -1 elsewhere. The file stays on disk: training reads the windows it needs.

# %%
import numpy as np

draw = np.random.default_rng(0)


def write(name, steps):
    """Two files of steps, written in place: NAME-events.npy and NAME-outcomes.npy."""
    events = np.lib.format.open_memmap(f"{name}-events.npy", "w+", np.uint8, (steps,))
    outcomes = np.lib.format.open_memmap(f"{name}-outcomes.npy", "w+", np.int8, (steps,))
    events[:], outcomes[:] = 4, -1
    at = 0
    while (asked := at + 1 + draw.integers(15, 40)) < steps - 10:
        symbol = draw.integers(0, 4)
        events[at], events[asked], outcomes[asked] = symbol, 5, symbol
        noise = draw.integers(at + 1, asked)
        events[noise], outcomes[noise] = 6, draw.integers(0, 4)
        at = asked + 1 + draw.integers(0, 10)
    events.flush(), outcomes.flush()


write("train", 1_000_000)
write("held-out", 100_000)

# %% [markdown]
# Half of the outcomes can be known and half cannot: the best possible accuracy is 0.5 + 0.5/4 = 0.625.
#
# ## What anyone would try first
#
# The most frequent outcome, and a logistic regression on the last ten events.

# %%
from sklearn.linear_model import LogisticRegression


def windows(name, width=10, most=20_000):
    """One-hot events of the last `width` steps at the steps with an outcome, and the outcomes."""
    events, outcomes = np.load(f"{name}-events.npy", "r"), np.load(f"{name}-outcomes.npy", "r")
    places = np.flatnonzero(outcomes >= 0)
    places = places[places >= width][:most]
    return np.eye(7)[events[places[:, None] - np.arange(width)]].reshape(len(places), -1), outcomes[places]


seen, known = windows("train")
seen_later, known_later = windows("held-out")
accuracy = {
    "most frequent outcome": np.mean(known_later == np.bincount(known).argmax()),
    "logistic regression, last 10": LogisticRegression(max_iter=200).fit(seen, known).score(seen_later, known_later),
}

# %% [markdown]
# ## One model, two rules
#
# The rule is an argument. Truncated back-propagation and MemUP train the same LSTM with rollouts of ten steps, on segments of
# 100 steps from random places of the file.

# %%
import equinox as eqx
import jax
import optax

from vestige.cells import LSTM, Fixed
from vestige.models.longterm import Classes, Detector, LongTermModel, Token
from vestige.rules import MemUP, Truncated
from vestige.sequences import NpyReader
from vestige.tasks.longterm import Stream
from vestige.training import fit

open_file = lambda name: NpyReader(f"{name}-events.npy", f"{name}-outcomes.npy", unknown_outcomes=True)
task = Stream(open_file("train"), open_file("held-out"), segment=100, tokens=7, classes=4, max_distance=40)
keys = jax.random.split(jax.random.key(0), 6)
read = lambda key: Token(7, 32, key=key)
cell = LSTM(32, 64, retention=Fixed(5.0, 0.0), key=keys[3])
model = LongTermModel(
    read(keys[2]), cell, read(keys[4]), Classes(4), Detector(read(keys[0]), 4, key=keys[1]), key=keys[5]
)
optimiser = optax.contrib.muon(3e-3)
evaluate = eqx.filter_jit(lambda task, model, key: task.evaluate(model, size=64, key=key))
for name, rule in {"truncated, 10 steps": Truncated(10), "MemUP, 10 steps": MemUP(rollout=10, targets=3)}.items():
    trained = fit(model, task, rule=rule, optimiser=optimiser, steps=1000, batch_size=64, key=jax.random.key(1)).model
    accuracy[name] = float(evaluate(task, trained, jax.random.key(2))["accuracy"])

# %% [markdown]
# ## Was it worth it?

# %%
print(f"{'accuracy on 100,000 held-out steps':38}")
for name, value in accuracy.items():
    print(f"{name:38}{value:6.3f}")
print(f"{'best possible':38}{0.5 + 0.5 / 4:6.3f}")

# %% [markdown]
# ## What an update stores
#
# The compiler says what a program needs beside model and state. Here is one batch of 64 sequences, as sequences get longer.


# %%
from vestige.models.longterm import WholeSequence
from vestige.rules import Gradient


def megabytes(rule, steps):
    """Temporary memory of one compiled update on sequences of so many steps."""
    task = Stream(open_file("train"), open_file("held-out"), segment=steps, tokens=7, classes=4)
    batch = task.batch(size=64, key=jax.random.key(0))
    carry = rule.init(model, batch, key=jax.random.key(0))
    step = eqx.filter_jit(lambda model, carry, batch, key: rule.step(model, carry, batch, key=key))
    return (
        step.lower(model, carry, batch, jax.random.key(0)).compile().compiled.memory_analysis().temp_size_in_bytes / 1e6
    )


lengths = [100, 1000]
storage = {
    "MemUP, rollouts of 10": [megabytes(MemUP(rollout=10, targets=3), steps) for steps in lengths],
    "back-propagation": [megabytes(Gradient(WholeSequence(steps)), steps) for steps in lengths],
}
print(f"{'MB of an update, sequences of':32}" + "".join(f"{steps:>10,}" for steps in lengths))
for name, values in storage.items():
    print(f"{name:32}" + "".join(f"{value:10,.1f}" for value in values))

# %%
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(
    1, 2, num="Accuracy of each method, and memory of an update over the length of a sequence"
)
left.barh(list(accuracy), list(accuracy.values()), color=["0.7", "0.7", "C1", "C0"])
left.axvline(0.5 + 0.5 / 4, color="k", linewidth=1)
left.invert_yaxis()
left.set(title="accuracy; the line is the best possible")
for name, values in storage.items():
    right.plot(lengths, values, "o-", label=name)
right.set(xscale="log", yscale="log", xlabel="steps of a sequence", ylabel="MB", title="what an update stores")
right.legend(fontsize=8)
figure.tight_layout()

# %% [markdown]
# A file of any length costs the same memory by MemUP. Whole back-propagation grows with every step; on sequences of 100,000 steps
# it would need tens of gigabytes. `vestige run recall --preset paper` bridges a distance of a million steps in the same 8.5 MB:
# [results](../results/memup.md#a-hundred-thousand-and-a-million-steps).
#
# For a table or log of yours no Python is needed: `vestige fit events.csv` finds the columns, trains this rule, compares it
# with logistic regression on all steps so far, and says whether it was worth it. See [your data](../your-data.md#streams).
#
# ## When this is the wrong tool
#
# - **Outcomes depend on what is near.** Then a regression on a window, or truncated back-propagation, learns as much in half the time.
# - **Sequences of a few hundred steps.** Back-propagation through all of them fits into memory and has no targets to choose
#   (`--rule bptt`).
# - **Two things matter only together** and lie far apart, as in an exclusive or: MemUP never keeps the first. See
#   [limits](../papers/memup.md#limits).
# - **A transformer fits.** With a window of 2,000 tokens and a GPU, attention is the usual choice.

# %% [check]
assert accuracy["MemUP, 10 steps"] > accuracy["truncated, 10 steps"] + 0.15
assert accuracy["MemUP, 10 steps"] > accuracy["logistic regression, last 10"] + 0.15
assert storage["MemUP, rollouts of 10"][-1] < 1.1 * storage["MemUP, rollouts of 10"][0]
assert storage["back-propagation"][-1] > 5 * storage["back-propagation"][0]
