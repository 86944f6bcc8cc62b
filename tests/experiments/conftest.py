import pytest

from vestige.experiments.recall import Architecture, Recall, RecallTask
from vestige.training.progress import Silent

TINY = Recall(task=RecallTask(l=3, k=2), model=Architecture(latent=4, controller=16, width=16), steps=12, batch=4)


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
    monkeypatch.setattr(Recall, "evaluation_size", 16)
    monkeypatch.setattr("vestige.experiments.recall.examine.REPEATS", 2)
    monkeypatch.setattr("vestige.experiments.recall.gap.PARTICLES", 2)
