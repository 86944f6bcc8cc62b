import pytest

from vestige.experiments.temporal import Architecture, PerfectRecall, Temporal
from vestige.training.progress import Silent

TINY = Temporal(task=PerfectRecall(l=3, k=2), model=Architecture(latent=4, controller=16, width=16), steps=12, batch=4)


@pytest.fixture
def how():
    """The arguments of `execute` that a test does not care about."""
    return {"preset": "small", "command": "vestige run", "progress": Silent}


@pytest.fixture
def tiny():
    """A run of a few seconds."""
    return TINY


@pytest.fixture(autouse=True)
def _few_sequences(monkeypatch):
    monkeypatch.setattr(Temporal, "evaluation_size", 16)
    monkeypatch.setattr("vestige.experiments.temporal.examine.REPEATS", 2)
    monkeypatch.setattr("vestige.experiments.temporal.gap.PARTICLES", 2)
