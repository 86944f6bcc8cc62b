"""The experiments of MemUP in which somebody acts: the T-maze and the room of two colours."""

from vestige.cells.specs import LSTMSpec
from vestige.experiments.catalogue.memup import SYSTEM
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.models.longterm.picture_specs import PictureMemorySpec
from vestige.models.policy.specs import AgentSpec
from vestige.rules.agent_specs import PretrainedSpec, ProximalSpec
from vestige.rules.memup_specs import MemUPSpec
from vestige.tasks.tmaze.specs import TMazeSpec
from vestige.tasks.twocolors.specs import TwoColorsSpec
from vestige.training.optimisers import AdamSpec, ByPartSpec

PAPER = "Sorokin et al. 2022 (arXiv:2207.13649)"

MAZE_PAPER = Experiment(
    TMazeSpec(10_000),
    AgentSpec(hidden=256, width=512, heads=256),
    PretrainedSpec(
        memory=MemUPSpec(20, frequency=1, scan_chunk=500),
        policy=ProximalSpec(episodes=5, epochs=30, minibatches=10, ratio=0.3, value=1.0, trace=1.0),
        updates=200_000,
    ),
    ByPartSpec(AdamSpec(5e-4, "constant"), AdamSpec(5e-5, "constant")),
    steps=350_000,
    batch_size=64,
    num_evals=30,
)


def _maze(length: int, updates: int, steps: int) -> Experiment:
    rule = PretrainedSpec(updates=updates)
    return Experiment(TMazeSpec(length), AgentSpec(), rule, steps=steps, batch_size=64, num_evals=30)


def _shut(hidden: int) -> LSTMSpec:
    return LSTMSpec(hidden, forget_bias=3.0, input_bias=-2.0, gates="hard")


AGENTS = (
    Entry(
        name="tmaze",
        title="T-Maze-LNR",
        summary="a hint at the start of a corridor, the choice at its end: reward 4 or -3",
        system=SYSTEM,
        paper=f"{PAPER}, T-Maze-LNR-1000 and longer",
        presets={"small": _maze(100, 2000, 3000), "cpu": _maze(1000, 6000, 7000), "paper": MAZE_PAPER},
        durations={"small": "2 min, 2 CPU cores", "cpu": "5 min, 2 CPU cores", "paper": "hours, 1 GPU"},
        # nothing published: the paper shows curves, whose values are in no table (0.5 and 4 are bounds)
    ),
    Entry(
        name="two-colors",
        title="Two-Colors",
        summary="a pillar's colour at the start says which orbs are good: what is each pick-up worth? (needs vizdoom)",
        system=SYSTEM,
        paper=f"{PAPER}, Vizdoom-Two-Colors; a reconstruction, memory only",
        presets={
            "small": Experiment(TwoColorsSpec(), PictureMemorySpec(), steps=3000, batch_size=16),
            "cpu": Experiment(TwoColorsSpec(1000), PictureMemorySpec(_shut(128)), steps=20_000, batch_size=16),
            "paper": Experiment(
                TwoColorsSpec(2000), PictureMemorySpec(_shut(256), channels=32, width=256), steps=100_000, batch_size=64
            ),
        },
        durations={"small": "6 min, 1 CPU core", "cpu": "not measured", "paper": "not measured"},
        # nothing published: the paper shows curves of a policy's reward, whose values are in no table
    ),
)
