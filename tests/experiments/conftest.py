import pytest

from vestige.experiments.temporal import Architecture, PerfectRecall, Temporal
from vestige.training.progress import Silent

TINY = Temporal(task=PerfectRecall(l=3, k=2), model=Architecture(latent=4, controller=16, width=16), steps=12, batch=4)


@pytest.fixture(scope="session")
def how():
    """The arguments of `execute` that a test does not care about."""
    return {"preset": "small", "command": "vestige run", "progress": Silent}


@pytest.fixture(scope="session")
def tiny():
    """A run of a few seconds."""
    return TINY


@pytest.fixture(scope="module", autouse=True)
def _few_sequences():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Temporal, "evaluation_size", 16)
        patched.setattr("vestige.experiments.temporal.examine.REPEATS", 2)
        patched.setattr("vestige.experiments.temporal.gap.PARTICLES", 2)
        yield
