"""Damage every file of a run folder in every way, and see whether anything wrong is believed.

    python benchmarks/attack/corruptions.py [--count N] [--seed 0] [--json FILE]

A finished and an interrupted run of a small experiment are made once. Each time one of them is copied, one thing in
the copy is damaged, and `verify`, `evaluate`, `report` and `run --resume` meet it. Each must end in the result of the
sound folder, or refuse, or say what is wrong, naming the file; no traceback, no other number without a word. Then
`verify --repair` must leave a sound folder with the same results, in which all that was there still is, be it under
another name. (The log of an interrupted run that is cut after the newest checkpoint is that of an earlier kill; an
interrupted run from which the newest checkpoint is removed as a whole is that run at an earlier update, which
`evaluate` names.) Without --count, every file is damaged in every way once. Exit code 1 if one of all this does not
hold.
"""

import argparse
import collections
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from calling import Called, call, keep_programs

RUN = ("run", "toy-matching", "--steps", "20", "--eval-size", "16", "--num-evals", "2")


class Folder:
    """A copy of a run folder, to be damaged."""

    def __init__(self, path: Path, chance: random.Random):
        self.path, self.chance = path, chance

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.path.rglob("*") if path.is_file())

    @property
    def steps(self) -> list[Path]:
        return sorted((path for path in (self.path / "checkpoints").iterdir()), key=lambda path: int(path.name))


def flipped(folder: Folder, file: Path) -> str:
    content = bytearray(file.read_bytes())
    place = folder.chance.randrange(len(content))
    bit = folder.chance.randrange(8)
    content[place] ^= 1 << bit
    file.write_bytes(bytes(content))
    return f"bit {bit} of byte {place} flipped"


def truncated(folder: Folder, file: Path) -> str:
    size = folder.chance.randrange(file.stat().st_size)
    os.truncate(file, size)
    return f"cut to {size} bytes"


def emptied(folder: Folder, file: Path) -> str:
    file.write_bytes(b"")
    return "emptied"


def deleted(folder: Folder, file: Path) -> str:
    file.unlink()
    return "deleted"


def garbage(folder: Folder, file: Path) -> str:
    file.write_bytes(folder.chance.randbytes(max(1, file.stat().st_size)))
    return "replaced by noise"


def a_folder(folder: Folder, file: Path) -> str:
    file.unlink()
    file.mkdir()
    return "replaced by a folder"


def swapped(folder: Folder, file: Path) -> str:
    """With the file of that name in another checkpoint, or with any other."""
    others = [other for other in folder.files if other != file and other.read_bytes() != file.read_bytes()]
    alike = [other for other in others if other.name == file.name]
    other = folder.chance.choice(alike or others)
    mine, theirs = file.read_bytes(), other.read_bytes()
    file.write_bytes(theirs)
    other.write_bytes(mine)
    return f"swapped with {other.relative_to(folder.path)}"


def copied_over(folder: Folder, file: Path) -> str:
    others = [other for other in folder.files if other != file and other.read_bytes() != file.read_bytes()]
    other = folder.chance.choice(others)
    shutil.copyfile(other, file)
    return f"replaced by a copy of {other.relative_to(folder.path)}"


def doubled(folder: Folder, file: Path) -> str:
    file.write_bytes(file.read_bytes() * 2)
    return "written twice"


def step_copied(folder: Folder, step: Path) -> str:
    number = folder.chance.choice([int(step.name) + 1, 30, 999])
    target = step.with_name(str(number))
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(step, target)
    return f"copied to {number}"


def steps_swapped(folder: Folder, step: Path) -> str:
    other = folder.chance.choice([each for each in folder.steps if each != step])
    aside = step.with_name("aside")
    step.rename(aside)
    other.rename(step)
    aside.rename(other)
    return f"swapped with {other.name}"


def step_renamed(folder: Folder, step: Path) -> str:
    step.rename(step.with_name("40"))
    return "renamed to 40"


def step_removed(folder: Folder, step: Path) -> str:
    shutil.rmtree(step)
    return "removed"


def stripped(folder: Folder, step: Path) -> str:
    """As a manifest of version 0.1 looks."""
    path = step / "manifest.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({name: told[name] for name in ("step", "fingerprint", "leaves", "files")}))
    return "manifest stripped of its digest"


def no_files(folder: Folder, step: Path) -> str:
    path = step / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": {}}))
    return "manifest without files"


def added(folder: Folder, step: Path) -> str:
    (step / "d" / "more").write_bytes(b"more")
    return "a file added"


Damage = Callable[[Folder, Path], str]
OF_FILES: tuple[Damage, ...] = (
    flipped, flipped, flipped, truncated, emptied, deleted, garbage, a_folder, swapped, copied_over, doubled,
)  # fmt: skip
OF_STEPS: tuple[Damage, ...] = (step_copied, steps_swapped, step_renamed, step_removed, stripped, no_files, added)


def made(scratch: Path) -> dict[str, Path]:
    """A finished run, and the same run as a kill between two checkpoints leaves it."""
    finished, cut = scratch / "finished", scratch / "interrupted"
    done = call(*RUN, "--out", finished)
    if done.code:
        raise SystemExit(f"the run itself failed: {done.said}")
    shutil.copytree(finished, cut)
    for name in ("results.json", "evaluation.npz", "report.html"):
        (cut / name).unlink()
    shutil.rmtree(cut / "checkpoints" / "20")
    return {"finished": finished, "interrupted": cut}


def believed(before: Called, after: Called, names: tuple[str, ...], *, same: bool) -> str:
    """What is wrong with how a command met the damage; empty where nothing is."""
    if after.crashed:
        return f"crashed: {after.said.strip()[-300:]}"
    named = any(name in after.said for name in names)
    if after.code and not named:
        return f"refused without naming the file: {after.said.strip()[-300:]}"
    if not after.code and not same and not named:
        return "another result, without a word"
    del before
    return ""


class Attack:
    """One kind of folder, sound, and what commands make of it."""

    def __init__(self, kind: str, source: Path, scratch: Path):
        self.kind, self.source, self.work = kind, source, scratch / "work"
        work = self.fresh(random.Random(0)).path
        self.evaluated = call("evaluate", work, "--json")
        self.reported = call("report", work)
        self.page = (work / "report.html").read_bytes()
        self.resumed = call(*RUN, "--out", work, "--resume")
        self.metrics = json.loads((work / "results.json").read_text())["metrics"]
        self.listed = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}

    def fresh(self, chance: random.Random) -> Folder:
        shutil.rmtree(self.work, ignore_errors=True)
        return Folder(Path(shutil.copytree(self.source, self.work)), chance)

    def on(self, damage: Damage, place: str, chance: random.Random) -> tuple[str, list[str], bool]:
        """What was done, what is wrong with how it was met, and whether anything noticed it."""
        folder = self.fresh(chance)
        path = folder.path / place
        what = damage(folder, path)
        names = _names(place, what)
        faults, before = [], _digest(folder.path)
        verified = call("verify", folder.path)
        faults += [f"verify {fault}" for fault in [believed(verified, verified, names, same=True)] if fault]
        evaluated = call("evaluate", folder.path, "--json")
        same = evaluated.out == self.evaluated.out or (self.kind == "interrupted" and damage is step_removed)
        faults += [f"evaluate {fault}" for fault in [believed(self.evaluated, evaluated, names, same=same)] if fault]
        if _digest(folder.path) != before:
            faults.append("verify or evaluate wrote into the folder")
        earlier = self._as_an_earlier_kill(folder.path)
        reported = call("report", folder.path)
        page = folder.path / "report.html"
        same = earlier or (page.is_file() and page.read_bytes() == self.page)
        faults += [f"report {fault}" for fault in [believed(self.reported, reported, names, same=same)] if fault]
        resumed = call(*RUN, "--out", folder.path, "--resume")
        metrics = _metrics(folder.path)
        if fault := believed(self.resumed, resumed, names, same=metrics == self.metrics):
            faults.append(f"resume {fault}")
        if not resumed.code and metrics != self.metrics:
            faults.append("resume ended in another result")
        faults += self._repaired(folder.path, metrics)
        noticed = verified.code != 0 or any(
            name in each.err for each in (evaluated, reported, resumed) for name in names
        )
        return f"{self.kind}: {place}: {what}", faults, noticed

    def _as_an_earlier_kill(self, folder: Path) -> bool:
        """Whether the log is that of a kill some lines earlier, after the newest checkpoint, which no one can see."""
        newest = max((int(path.name) for path in (self.source / "checkpoints").iterdir()), default=0)
        log, whole = folder / "metrics.jsonl", (self.source / "metrics.jsonl").read_bytes()
        if self.kind != "interrupted" or not log.is_file():
            return False
        lines = [line for line in whole.splitlines(keepends=True) if json.loads(line)["step"] <= newest]
        content = log.read_bytes()
        return content != whole and whole.startswith(content) and content.startswith(b"".join(lines))

    def _repaired(self, folder: Path, metrics: object) -> list[str]:
        """What is wrong with a folder after `verify --repair`."""
        before = _digest(folder)
        repaired = call("verify", folder, "--repair")
        after, again = _digest(folder), call("verify", folder)
        lost = set(before.values()) - set(after.values())
        faults = [f"repair crashed: {repaired.said}"] if repaired.crashed else []
        faults += [f"not sound after repair: {again.said}"] if again.code else []
        faults += ["repair deleted something"] if lost else []
        return faults + (["repair changed results"] if _metrics(folder) not in (None, metrics) else [])


def _names(place: str, what: str) -> tuple[str, ...]:
    """By which of these a sentence names what was damaged: the file, or its checkpoint, on both sides."""
    places = [
        place,
        *(word for word in what.split() if "/" in word or word.endswith((".json", ".jsonl", ".yaml", ".npz"))),
    ]
    found: list[str] = []
    for each in places:
        parts = Path(each).parts
        found.append(f"checkpoints/{parts[1]}" if parts[0] == "checkpoints" and len(parts) > 1 else Path(each).name)
    if what.startswith(("copied to", "renamed to", "swapped with")) and place.startswith("checkpoints/"):
        found.append("checkpoints/" + what.split(" ")[-1])
    if what == "removed":
        found.append("results.json")  # of an update that no checkpoint is of
    return tuple(found)


def _metrics(folder: Path) -> object:
    try:
        return json.loads((folder / "results.json").read_text())["metrics"]
    except (OSError, ValueError, KeyError):
        return None


def _digest(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, help="how many, chosen at random; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where to write the counts")
    options = parser.parse_args()
    keep_programs()
    with tempfile.TemporaryDirectory() as scratch:
        attacks = [Attack(kind, path, Path(scratch)) for kind, path in made(Path(scratch)).items()]
        rounds = [(attack, damage, place) for attack in attacks for damage, place in _all(attack)]
        random.Random(options.seed).shuffle(rounds)
        counted = collections.Counter[str]()
        wrong: list[str] = []
        print(f"{len(rounds)} corruptions are possible", flush=True)
        for number, (attack, damage, place) in enumerate(rounds[: options.count], 1):
            what, faults, noticed = attack.on(damage, place, random.Random(f"{options.seed} {number}"))
            counted["noticed and named" if noticed else "without effect on any result"] += 1
            if faults:
                wrong.append(f"{number}: {what}: {'; '.join(faults)}")
                print(wrong[-1], flush=True)
            if number % 50 == 0:
                print(f"{number} corruptions, {len(wrong)} wrong", flush=True)
    counts = {"corruptions": sum(counted.values()), "wrong": len(wrong), **counted}
    print(json.dumps(counts, indent=1))
    if options.json:
        options.json.write_text(json.dumps({**counts, "seed": options.seed, "faults": wrong}, indent=1) + "\n")
    return 1 if wrong else 0


def _all(attack: Attack) -> list[tuple[Damage, str]]:
    """Every file by every kind of damage, and every checkpoint as a whole."""
    steps = sorted({place.split("/")[1] for place in attack.listed if place.startswith("checkpoints/")})
    files = [
        (damage, place) for place in sorted(attack.listed) for damage in OF_FILES if _possible(attack, damage, place)
    ]
    return [*files, *((damage, f"checkpoints/{step}") for step in steps for damage in OF_STEPS)]


def _possible(attack: Attack, damage: Damage, place: str) -> bool:
    """An empty file has no bit to be flipped."""
    return (attack.source / place).stat().st_size > 0 or damage not in (flipped, truncated, emptied, doubled)


if __name__ == "__main__":
    sys.exit(main())
