"""Two-Colors of the catalogue."""

from vestige.experiments.entry import Entry
from vestige.experiments.longterm.cells import LSTM
from vestige.experiments.twocolors.options import TwoColors


def _shut(hidden: int) -> LSTM:
    return LSTM(hidden, keep=3.0, admit=-2.0, gates="hard")


TWO_COLORS = Entry(
    name="two-colors",
    title="Two-Colors",
    summary="a pillar's colour at the start says which orbs are good: what is each pick-up worth? (needs vizdoom)",
    paper="Sorokin et al. 2022 (arXiv:2207.13649), Vizdoom-Two-Colors; a reconstruction, memory only",
    presets={
        "small": TwoColors(),
        "cpu": TwoColors(episodes=1000, cell=_shut(128), steps=20_000),
        "paper": TwoColors(episodes=2000, cell=_shut(256), channels=32, width=256, steps=100_000, batch=64),
    },
    durations={"small": "6 min, 1 CPU core", "cpu": "not measured", "paper": "not measured"},
    published=lambda options: {},  # the paper shows curves of a policy's reward; their values are in no table
)
