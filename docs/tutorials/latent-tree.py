# %% [markdown]
# # A latent tree in my model
#
# Your model should decide which word depends on which, which file includes which, what pulls at what: a tree that nobody has
# annotated. A tree is a discrete choice, so its gradient needs an estimator. In Vestige the tree is a distribution and the
# estimator an argument: `expect(cost, Arborescence(log_rates), estimator=LeaveOneOut(draws=4), key=key)`.
#
# ## Sentences from a grammar
#
# Seven words in any order, word 0 is the root. Each has a kind and marks. It shows, with much noise, the marks of its head.
# Two counts of each word are measured with noise too: its depth, how many arcs lie between it and the root, and how many words
# hang below it. The grammar says of each kind what kind its head has. That is what we want to find, from 30 sentences without
# a single head in them.

# %%
import jax
import jax.numpy as jnp
import optax

from vestige.structures import Arborescence, arcs_of_heads

WORDS, MARKS, SENTENCES = 7, 4, 30
NOISE, BLUR = 8.0, 0.5  # of what is shown, of the counts
GRAMMAR = jnp.array([-1, 0, 1, 1, 2, 3, 1])  # of each kind, the kind of its head; kind 0 is the root


def counts(arcs):
    """How many arcs lie between each word and the root, and how many words hang below each; not of the root."""
    up, down, above, below = jnp.ones(WORDS), jnp.ones(WORDS), jnp.zeros(WORDS), jnp.zeros(WORDS)
    for _ in range(WORDS - 1):
        up, down = arcs.T @ up, arcs @ down
        above, below = above + up, below + down
    return jnp.concatenate([above[1:], below[1:]])


def sentence(key):
    """Kinds, marks, what is shown, counts. The arcs are never given to a model."""
    key_order, key_marks, key_noise, key_counts = jax.random.split(key, 4)
    kinds = jnp.concatenate([jnp.zeros(1, int), 1 + jax.random.permutation(key_order, WORDS - 1)])
    heads = jnp.argsort(kinds)[GRAMMAR[kinds]].at[0].set(-1)
    marks = jax.random.normal(key_marks, (WORDS, MARKS))
    shown = marks[heads] + NOISE * jax.random.normal(key_noise, (WORDS, MARKS))
    measured = counts(arcs_of_heads(heads)) + BLUR * jax.random.normal(key_counts, (2 * WORDS - 2,))
    return kinds, marks, shown, measured


def squares(marks, shown):
    """Squared difference between what a word shows and the marks of each head: row head, column word."""
    return jnp.sum((marks[:, None] - shown[None]) ** 2, axis=-1)


def cost(arcs, marks, shown, measured):
    """-log p of what is shown and of the counts, given the arcs; nats, up to a constant."""
    agreement = jnp.sum(arcs * squares(marks, shown)) / (2 * NOISE**2)
    return agreement + jnp.sum((counts(arcs) - measured) ** 2) / (2 * BLUR**2)


# %% [markdown]
# The first part of the cost is a sum over arcs. The second is not: a depth depends on the whole tree.
#
# ## What anyone would try first
#
# **Agreement alone.** The mean squared difference for each pair of kinds; each kind takes the head with the least. Nothing is
# learned by gradient, and counts are not used.
#
# **Attention.** A softmax over heads for each word, put into the same cost in place of the tree. It has gradients without an
# estimator.


# %%
def of_kinds(table, kinds):
    """The log-rate of each arc, by the kinds of head and word."""
    return table[kinds[:, None], kinds[None, :]]


no_loops = jnp.where(jnp.eye(WORDS, dtype=bool), -jnp.inf, 0.0)


def agreement_alone(kinds, marks, shown, measured):
    """The table of scores of the first method."""
    total = jnp.zeros((WORDS, WORDS)).at[kinds[:, :, None], kinds[:, None, :]].add(jax.vmap(squares)(marks, shown))
    return -total


def attention(table, kinds, marks, shown, measured, key):
    weights = jax.nn.softmax(of_kinds(table, kinds) + no_loops, axis=0).at[:, 0].set(0)
    return cost(weights, marks, shown, measured)


# %% [markdown]
# ## The tree
#
# The same table of log-rates, as a distribution over trees from the root. The cost sees true trees only. `LeaveOneOut` draws
# four of them and gives an unbiased gradient.

# %%
from vestige.estimators import LeaveOneOut, expect


def tree(table, kinds, marks, shown, measured, key):
    of_arcs = lambda arcs: cost(arcs, marks, shown, measured)
    return expect(of_arcs, Arborescence(of_kinds(table, kinds)), estimator=LeaveOneOut(draws=4), key=key)


def train(loss, data, key):
    """The table of log-rates after 250 updates on all sentences."""
    optimiser, table = optax.adam(0.05), jnp.zeros((WORDS, WORDS))

    def update(carry, key):
        table, state = carry
        mean = lambda table: jnp.mean(
            jax.vmap(loss, (None, 0, 0, 0, 0, 0))(table, *data, jax.random.split(key, SENTENCES))
        )
        changes, state = optimiser.update(jax.grad(mean)(table), state)
        return (optax.apply_updates(table, changes), state), None

    return jax.lax.scan(update, (table, optimiser.init(table)), jax.random.split(key, 250))[0][0]


# %% [markdown]
# ## Side by side
#
# The share of the grammar's six arcs that is found, for three sets of 30 sentences. Every table is read in two ways: the best
# head of each word by itself, and the best tree. By chance a sixth is right.

# %%
seeds = jax.random.split(jax.random.key(0), 3)
data = jax.vmap(lambda key: jax.vmap(sentence)(jax.random.split(key, SENTENCES)))(seeds)
tables = {"agreement alone": jax.vmap(agreement_alone)(*data)}
for name, loss in (("attention", attention), ("tree", tree)):
    tables[name] = jax.jit(jax.vmap(lambda data, key, loss=loss: train(loss, data, key)))(data, seeds)

truth = arcs_of_heads(GRAMMAR)
found = lambda arcs: jnp.sum(arcs * truth, axis=(1, 2)) / (WORDS - 1)
heads = lambda table: jax.nn.one_hot(jnp.argmax(table + no_loops, axis=0), WORDS, axis=0).at[:, 0].set(0)
best_tree = jax.jit(jax.vmap(lambda table: Arborescence(table).mode().value))
shares = {name: (found(jax.vmap(heads)(table)), found(best_tree(table))) for name, table in tables.items()}
print(f"{'':18}{'best head of each word':^30}{'best tree':^30}")
for name, columns in shares.items():
    print(f"{name:18}" + "".join(f"{' '.join(f'{share:.2f}' for share in column):^30}" for column in columns))

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(
    1, 4, figsize=(7.5, 2.3), num="The true arcs between kinds, and what each method makes of the first set"
)
pictures = {"truth": truth} | {name: jax.nn.softmax(table[0] + no_loops, axis=0) for name, table in tables.items()}
for axis, (name, arcs) in zip(axes, pictures.items(), strict=True):
    axis.imshow(arcs.at[:, 0].set(0), cmap="Blues", vmin=0, vmax=1)
    axis.set(title=name, xlabel="word", xticks=range(7), yticks=range(7))
axes[0].set(ylabel="head")
figure.tight_layout()

# %% [markdown]
# The tree is the best of the three, by one arc of six in two of three sets. That is all there is to gain here: 30 sentences of
# such noise do not determine the grammar. Attention answers another question: a mixture of heads has counts in between, and the
# mixture that fits them best need be no tree. With less noise (`NOISE = 3`) all three methods find nearly all arcs, and the
# first is the cheapest. Where a cost is not defined for mixtures at all, such as the value of an expression, only the tree is
# left: see [nested expressions](../results/structured-text.md#listops).
#
# Next: [five complete programs](../latent-in-your-model.md) with other structures, and [which gradient?](../gradients.md)
# for the choice of the estimator.
#
# ## When this is the wrong tool
#
# - **The cost is a sum over arcs.** Then the first method, or attention with the best tree read afterwards, finds as much
#   without an estimator. With labelled trees, use the cross-entropy of each head.
# - **Marginals are what you want.** `GibbsArborescence` has them exactly, by the matrix-tree theorem.
# - **More than a few hundred nodes.** A draw takes a time that grows with the square of the nodes and more; see
#   [performance](../performance.md).
# - **Chains.** A hidden Markov model with a forward pass (dynamax) is exact and faster.

# %% [check]
(_, attended), (_, of_trees) = shares["attention"], shares["tree"]
assert of_trees.mean() > attended.mean()
assert of_trees.mean() > shares["agreement alone"][0].mean()
