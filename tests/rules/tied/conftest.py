import jax
import pytest


@pytest.fixture(autouse=True)
def _double():
    """The numbers of the notes have more digits than float32."""
    with jax.enable_x64(True):
        yield
