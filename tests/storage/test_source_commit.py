"""Which commit a run was made with."""

import json
import subprocess
from types import SimpleNamespace

import pytest

import vestige
from vestige.storage import source_commit as module


@pytest.fixture(autouse=True)
def forgotten():
    module.source_commit.cache_clear()
    yield
    module.source_commit.cache_clear()


def git(folder, *words):
    subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True
    )


def checkout(folder):
    package = folder / "src" / "vestige"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("")
    (package / "__init__.py").write_text("")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return package / "__init__.py"


def test_of_a_checkout_with_and_without_changes(tmp_path, monkeypatch):
    file = checkout(tmp_path)
    monkeypatch.setattr(vestige, "__file__", str(file))
    head = subprocess.run(["git", "-C", str(tmp_path), "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    assert module.source_commit() == head[:12]
    (tmp_path / "notes.txt").write_text("not of the package")
    module.source_commit.cache_clear()
    assert module.source_commit() == head[:12]
    file.write_text("changed = True")
    module.source_commit.cache_clear()
    assert module.source_commit() == head[:12] + "+"


def test_of_an_installation_as_pip_noted_it(tmp_path, monkeypatch):
    noted = tmp_path / "direct_url.json"
    monkeypatch.setattr(vestige, "__file__", str(tmp_path / "lib" / "vestige" / "__init__.py"))
    files = [SimpleNamespace(name="direct_url.json", locate=lambda: noted)]
    monkeypatch.setattr(module, "distribution", lambda name: SimpleNamespace(files=files))
    noted.write_text(json.dumps({"url": "x", "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef"}}))
    assert module.source_commit() == "0123456789ab"
    for odd in ("{}", "not json", json.dumps({"vcs_info": {"commit_id": 3}})):
        noted.write_text(odd)
        module.source_commit.cache_clear()
        assert module.source_commit() is None
