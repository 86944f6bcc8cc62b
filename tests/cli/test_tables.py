"""Eighty columns hold a few metrics side by side; more of them stand below each other."""

import pytest
from tests.report.conftest import make_comparison

from vestige.cli import tables


@pytest.mark.parametrize("across", [0, 100])
def test_all_metrics_are_told(across, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(tables, "ACROSS", across)
    monkeypatch.setenv("COLUMNS", "300")
    tables.print_comparison(make_comparison(tmp_path / "many"))
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("kl_fresh", "parameters", "time"))
    below = [line for line in shown.splitlines() if line.strip().startswith("kl_")]
    assert bool(below) == (across == 0)
