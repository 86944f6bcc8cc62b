"""The T-maze of the catalogue."""

from vestige.experiments.entry import Entry
from vestige.experiments.optimisers import Adam
from vestige.experiments.tmaze.options import TMaze
from vestige.experiments.tmaze.ppo import PPO
from vestige.experiments.tmaze.training import Pretrained

PAPER = TMaze(
    length=10_000,
    hidden=256,
    width=512,
    heads=256,
    rollout=20,
    training=Pretrained(200_000),
    ppo=PPO(episodes=5, epochs=30, minibatches=10, ratio=0.3, value=1.0, trace=1.0),
    memory_optimiser=Adam(5e-4, "constant", 0),
    policy_optimiser=Adam(5e-5, "constant", 0),
    steps=350_000,
)

TMAZE = Entry(
    name="tmaze",
    title="T-Maze-LNR",
    summary="a hint at the start of a corridor, the choice at its end: reward 4 or -3",
    paper="Sorokin et al. 2022 (arXiv:2207.13649), T-Maze-LNR-1000 and longer",
    presets={
        "small": TMaze(),
        "cpu": TMaze(length=1000, training=Pretrained(6000), steps=7000),
        "paper": PAPER,
    },
    durations={"small": "2 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "hours, 1 GPU"},
    published=lambda options: {},  # the paper shows curves; their values are in no table (0.5 and 4 are bounds)
)
