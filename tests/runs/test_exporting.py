"""Exports: the same model, without its run; nothing that is damaged is loaded."""

import json
import shutil
from pathlib import Path

import equinox as eqx
import pytest

import vestige
from vestige.errors import UsageError
from vestige.runs.exporting import export
from vestige.runs.restoring import load_for_use
from vestige.storage.durable import DamagedFile

RUNS = Path(__file__).parent / "0.1"
SLOW = {"perfect-recall", "recall", "toy-matching"}


@pytest.fixture(
    scope="module",
    params=[pytest.param(each.name, marks=[pytest.mark.slow] * (each.name in SLOW)) for each in sorted(RUNS.iterdir())],
)
def pair(request, tmp_path_factory):
    """A run of an earlier version, and its export."""
    out = tmp_path_factory.mktemp("exported") / "export"
    run = load_for_use(RUNS / request.param)
    card = export(run, out, licence="CC0")
    return run, out, card


@pytest.mark.few(1)
def test_the_model_comes_back_to_the_bit(pair):
    run, out, card = pair
    again = vestige.load(out)
    assert eqx.tree_equal(again.model, run.model) and again.step == run.step
    assert eqx.tree_equal(again.components.model, again.model)
    assert card["licence"] == "CC0" and card["update"] == run.step
    assert "CC0" in (out / "README.md").read_text()


def test_no_file_of_it_may_change(pair, tmp_path):
    _, out, _ = pair
    for name in json.loads((out / "card.json").read_text())["files"]:
        copy = shutil.copytree(out, tmp_path / name)
        content = bytearray((copy / name).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content)
        with pytest.raises(UsageError, match=name):  # config.yaml is read before the card, and has its own digest
            vestige.load(copy)
        (copy / name).unlink()
        with pytest.raises(UsageError, match=name if name != "config.yaml" else "run folder"):
            vestige.load(copy)


def test_a_card_that_was_changed_is_refused(pair, tmp_path):
    _, out, _ = pair
    copy = shutil.copytree(out, tmp_path / "copy")
    card = json.loads((copy / "card.json").read_text())
    (copy / "card.json").write_text(json.dumps({**card, "licence": "mine"}))
    with pytest.raises(DamagedFile, match="card.json"):
        vestige.load(copy)


def test_what_is_there_is_never_written_over(pair, tmp_path):
    run, out, _ = pair
    with pytest.raises(UsageError, match="is not an empty folder"):
        export(run, out)
    with pytest.raises(UsageError, match="is an export already"):
        export(vestige.load(out), tmp_path / "again")
    assert not (tmp_path / "again").exists()
