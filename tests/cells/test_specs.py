"""Cells by name: those of the registry, and one for every memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vestige.cells import LSTM, CellSpec, LSTMSpec, Remembering, RememberingSpec, unroll
from vestige.cells.specs import CELLS, MOST_KEPT, LinearSpec
from vestige.memory import AttentionSpec, DNCSpec, MemorySpec, NoMemorySpec
from vestige.memory.specs import MEMORIES
from vestige.plain import from_plain, name_of, to_plain
from vestige.registries import Registry, registry


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.few(4)
def test_every_cell_runs_and_knows_its_width(name, key):
    cell = CELLS[name].build(3, distance=6, key=key)
    _, outputs = unroll(cell, cell.init(), jax.random.normal(key, (4, 3)))
    assert outputs.shape == (4, cell.output_size)
    assert np.isfinite(outputs).all()


def test_every_memory_that_keeps_anything_is_a_cell():
    """`dnc` is registered itself, at the size of the experiments; the others follow from the memories."""
    keeping = [name for name, memory in MEMORIES.items() if memory.keeps]
    assert set(MEMORIES) - set(keeping) == {"none", "vrnn"}
    assert list(CELLS)[-len(keeping) + 1 :] == [name for name in keeping if name != "dnc"]
    assert CELLS["attention"] == RememberingSpec(memory=MEMORIES["attention"])
    assert CELLS["dnc"] == RememberingSpec(memory=DNCSpec(slots=16, word_size=16, heads=2))
    assert "none" not in CELLS


def test_a_memory_of_a_plugin_is_a_cell(monkeypatch):
    added = Registry("memory", MemorySpec, {**MEMORIES, "mine": AttentionSpec(heads=5)})
    monkeypatch.setattr("vestige.memory.specs.MEMORIES", added)
    assert registry("cell").find("mine") == RememberingSpec(memory=AttentionSpec(heads=5))
    assert list(registry("cell"))[-1] == "mine"


def test_the_name_is_that_of_the_memory():
    """Whatever is set of it: `--cell attention --cell.memory.heads 3` is no dnc with another memory."""
    spec = RememberingSpec(memory=AttentionSpec(heads=3))
    assert name_of(spec) == "attention"
    assert from_plain(CellSpec, to_plain(spec), where="x") == spec
    assert name_of(RememberingSpec(memory=DNCSpec(slots=4, word_size=8))) == "dnc"
    assert name_of(LSTMSpec(forget_bias=3.0, input_bias=-2.0, gates="hard", hidden=9)) == "hard-lstm"


@pytest.mark.parametrize(("distance", "slots"), [(30, 60), (100_000, MOST_KEPT)])
def test_a_memory_without_a_number_of_slots_keeps_twice_the_distance(distance, slots, key):
    cell = RememberingSpec(memory=AttentionSpec(), hidden=4).build(2, distance=distance, key=key)
    assert isinstance(cell, Remembering)
    assert cell.memory.slots == slots
    assert RememberingSpec(memory=AttentionSpec(slots=7)).build(2, distance=distance, key=key).memory.slots == 7


def test_what_is_written_has_the_width_that_is_asked_for(key):
    cell = RememberingSpec(hidden=4, write_size=5).build(3, distance=9, key=key)
    assert cell.summary.weight.shape == (5, 3 + 4)
    assert isinstance(cell.cell, LSTM)


def test_a_cell_without_a_memory_behind_it_takes_no_feedback(key):
    """An LSTM with nothing behind it sees its input alone."""
    cell = RememberingSpec(memory=NoMemorySpec(), hidden=4).build(3, distance=9, key=key)
    assert cell.cell.weight.shape[0] == 3 + 4
    _, output = cell(cell.init(), jnp.ones(3))
    assert output.shape == (cell.output_size,)


def test_a_linear_recurrence_has_the_state_and_the_angles_that_are_asked_for(key):
    cell = LinearSpec(hidden=4, units=400, angle=3.0).build(3, distance=9, key=key)
    assert cell.init().shape == (400,) and cell.output_size == 4
    assert 2.5 < np.max(np.abs(cell.angle)) <= 3.0
    assert LinearSpec(hidden=4).build(3, distance=9, key=key).init().shape == (4,)
    with pytest.raises(ValueError, match=r"angle must be in \[0.0, 3.14.*\], got 3.2"):
        LinearSpec(angle=3.2)
    with pytest.raises(ValueError, match="units must be at least 1, got 0"):
        LinearSpec(units=0)
