"""What tests of runs share."""

import pytest

from vestige.experiments import Experiment
from vestige.models.temporal.specs import TemporalSpec
from vestige.tasks.frame_specs import PerfectRecallSpec
from vestige.training.progress import Silent

TINY = Experiment(
    PerfectRecallSpec(l=3, k=2),
    TemporalSpec(latent_size=4, controller_size=16, width=16),
    steps=12,
    batch_size=4,
    num_evals=12,
    eval_size=16,
)


@pytest.fixture(scope="session")
def how():
    """The arguments of `execute` that a test does not care about."""
    return {"preset": "small", "command": "vestige run", "progress": Silent}


@pytest.fixture(scope="session")
def tiny():
    """A run of a few seconds."""
    return TINY


@pytest.fixture(scope="module", autouse=True)
def few_sequences():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("vestige.tasks.frame_diagnostics.REPEATS", 2)
        patched.setattr("vestige.tasks.frame_diagnostics.PARTICLES", 2)
        yield
