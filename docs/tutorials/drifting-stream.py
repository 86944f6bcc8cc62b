# %% [markdown]
# # Learn from a stream that drifts
#
# A sensor sends three values, over and over, and the law behind them changes without notice. You want a forecast of every
# row before it comes, and a model that follows the change without being trained again. `vestige.Learner` does this: it
# predicts a row, sees it, learns from it, and forgets it.
#
# The stream is a vector autoregression of order 2. After 2,000 of 4,000 rows its coefficients are other ones.

# %%
import numpy as np


def law(seed):
    """Coefficients of a stable autoregression of order 2: (lags, values, values)."""
    draw = np.random.default_rng(seed)
    rotation = np.linalg.qr(draw.normal(size=(3, 3)))[0]
    return np.stack([rotation @ np.diag([0.9, -0.6, 0.5]) @ rotation.T, -0.3 * np.eye(3)])


noise = np.random.default_rng(0).normal(size=(4000, 3))
stream = np.zeros((4000, 3))
for t in range(2, 4000):
    one, two = law(1 if t < 2000 else 2)
    stream[t] = one @ stream[t - 1] + two @ stream[t - 2] + noise[t]

# %% [markdown]
# ## Two methods to beat
#
# Anyone would first repeat the last value. The second thing to try is least squares that forgets: recursive least squares
# with a forgetting factor, twelve lines of NumPy. It needs one choice, how fast to forget; we show two.


# %%
def recursive_least_squares(stream, forgetting, order=8):
    """Each row predicted from the `order` rows before it by least squares with exponential forgetting."""
    size = order * stream.shape[1] + 1
    covariance, weights = 100 * np.eye(size), np.zeros((size, stream.shape[1]))
    predicted = np.full_like(stream, np.nan)
    for t in range(order, len(stream)):
        seen = np.append(stream[t - order : t].ravel(), 1.0)
        predicted[t] = seen @ weights
        gain = covariance @ seen / (forgetting + seen @ covariance @ seen)
        weights += np.outer(gain, stream[t] - predicted[t])
        covariance = (covariance - np.outer(gain, seen @ covariance)) / forgetting
    return predicted


predictions = {
    "last value": np.concatenate([np.full((1, 3), np.nan), stream[:-1]]),
    "least squares, never forgets": recursive_least_squares(stream, 1.0),
    "least squares, forgets in 200 rows": recursive_least_squares(stream, 1 - 1 / 200),
}

# %% [markdown]
# ## The Learner
#
# `predict` gives the expected row and an interval. `partial_fit` learns from the row and returns its surprise, -log q of the
# row given all rows before it, in nats. The first 200 rows set the scale.

# %%
import vestige

learner = vestige.Learner()
expected, surprise = np.full_like(stream, np.nan), np.full(len(stream), np.nan)
inside = []
for t, row in enumerate(stream):
    if t >= 200:
        ahead = learner.predict()
        expected[t] = ahead.mean
        inside.append((ahead.low <= row) & (row <= ahead.high))
    surprise[t] = learner.partial_fit(row)
predictions["Learner"] = expected
print(f"intervals of 90% cover {100 * np.mean(inside):.1f}% of the values, the change included")

# %% [markdown]
# ## Side by side
#
# Mean squared error of a row, summed over its three values. The noise alone is 3.

# %%
parts = {
    "1,000 before": (1000, 2000),
    "50 after": (2000, 2050),
    "450 after these": (2050, 2500),
    "last 1,000": (3000, 4000),
}
errors = {name: np.sum((mean - stream) ** 2, axis=1) for name, mean in predictions.items()}
print(f"{'':36}" + "".join(f"{part:>17}" for part in parts))
for name, error in errors.items():
    print(f"{name:36}" + "".join(f"{error[first:last].mean():17.2f}" for first, last in parts.values()))

# %%
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, num="Error of each method and surprise of the Learner around the change")
smooth = lambda values: values[1800:2700].reshape(-1, 20).mean(axis=1)
rows = np.arange(1810, 2700, 20)
for name, error in errors.items():
    left.plot(rows, smooth(error), label=name)
left.set(yscale="log", xlabel="row", ylabel="squared error, mean of 20", title="the law changes at row 2,000")
left.legend(fontsize=7)
right.plot(rows, smooth(surprise), color="C3")
right.set(xlabel="row", ylabel="nats, mean of 20", title="surprise of a row, Learner")
figure.tight_layout()

# %% [markdown]
# Least squares that never forgets is as good before the change and slow after it. Forgetting in 200 rows follows, and pays
# for it while nothing changes. The Learner mixes regressions with memories of 50, 200, 1,000 and 5,000 rows by how well each
# predicted of late, so no rate of forgetting has to be chosen. Its surprise shows the change at once.
#
# [Results](../results/own-data.md#streams-that-drift) has three kinds of drift, three seeds, statsmodels and river.
#
# ## When this is the wrong tool
#
# - **You know how fast the law changes.** Then least squares with that forgetting factor is as good, in twelve lines.
# - **Speed for single rows.** A row by itself costs about 2 ms, most of it the call from Python; the least squares above
#   takes a hundredth of a millisecond or so. Blocks of rows (`learner.partial_fit(rows)`) cost 0.1 ms a row.
# - **All data are there already, and nothing drifts.** Use [`vestige fit`](../your-data.md#fit), which compares models
#   and holds a part out.
# - **A class is to be predicted from features, row by row.** That is online classification: use river.

# %% [check]
ours, never, fast = (
    {part: errors[name][slice(*places)].mean() for part, places in parts.items()}
    for name in ("Learner", "least squares, never forgets", "least squares, forgets in 200 rows")
)
assert ours["450 after these"] < never["450 after these"]
assert ours["1,000 before"] < fast["1,000 before"]
