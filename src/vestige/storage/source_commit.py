"""Which commit of Vestige runs here."""

import functools
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import vestige
from vestige import gate


@functools.cache
def source_commit() -> str | None:
    """The commit of the code that runs: of the checkout that it is imported from, with "+" behind it where files of the
    package were changed since, or as pip noted it when it installed from a repository; None where neither is known, as
    of a release.
    """
    package = Path(vestige.__file__).parent
    root = package.parent.parent
    if (root / ".git").exists() and (root / "pyproject.toml").is_file():
        commit = _git(root, "rev-parse", "--short=12", "HEAD")
        if commit:
            changed = _git(root, "status", "--porcelain", "--", str(package))
            return commit + ("+" if changed else "")
    return _installed_from()


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _installed_from() -> str | None:
    try:
        files = distribution("vestige").files or ()
        noted = next((file.locate() for file in files if file.name == "direct_url.json"), None)
        if noted is None:
            return None
        noted = gate.read_json(Path(str(noted)))
    except (PackageNotFoundError, gate.Unreadable):
        return None
    stated = noted.get("vcs_info")
    commit = stated.get("commit_id") if isinstance(stated, dict) else None
    return commit[:12] if isinstance(commit, str) else None
