"""A package outside Vestige with one part of every contract; imported by its entry point or by `--plugin`."""

from vestige_extra import (  # noqa: F401
    autoregression,
    best_evaluations,
    crosses,
    epsilon_greedy,
    first_two,
    kl_turn,
    leaky,
    learned_scale,
    least_confident,
    lion,
    median_of_others,
    minimal_gated,
    reversed_recall,
    reversed_small,
    self_critical,
    sign_symmetric,
    signs,
)
