"""Made-up run folders with the shapes of the real thing, and a reader for the pages made of them."""

import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import yaml

from vestige.storage.locking import FolderLock

FRESH, REPEATED, SIDE = 10, 5, 28
TIME = FRESH + REPEATED
COMMAND = "vestige run perfect-recall --preset small --seed 0 --options.memory.slots 15"
VERSIONS = {"vestige": "0.1.0", "jax": "0.10.2", "equinox": "0.13.8", "python": "3.11.7", "numpy": "2.4.6"}
PUBLISHED = {
    "source": "Gemici et al. 2017, figure 4 (l = 10, k = 5), read off the figure",
    "metrics": {
        "Introspective": {"kl_last": 0.0, "negative_bound": 76.2},
        "DNC": {"kl_last": 0.5, "negative_bound": 77.9},
        "NTM": {"kl_last": 0.5, "negative_bound": 78.4},
        "LRU": {"kl_recall": 7.5, "kl_fresh": 22.3, "kl_last": 5.5, "negative_bound": 81.1},
        "VRNN": {"kl_last": 8.2, "negative_bound": 83.0},
    },
    "curves": {
        "kl_per_frame": {
            "Introspective": {"10": 1.2, "11": 0.0, "12": 0.0, "13": 0.0, "14": 0.0},
            "DNC": {"10": 2.6, "11": 2.4, "12": 2.2, "13": 2.4, "14": 2.5},
            "NTM": {"10": 1.9, "11": 1.4, "12": 0.7, "13": 0.6, "14": 0.5},
            "VRNN": {"10": 8.5, "11": 7.1, "12": 7.0, "13": 7.6, "14": 7.6},
        },
        "kl_last": {
            "Introspective": {"50000": 0.6, "200000": 0.1},
            "VRNN": {"100000": 22.0, "500000": 13.0, "1000000": 8.2},
        },
    },
    "note": "Other images and sizes than here: compare the shapes, not the numbers",
}
BOUNDS = {
    "kl_recall": {"best": 0.0, "chance": 8.1},
    "kl_last": {"best": 0.0, "chance": 8.1},
    "kl_fresh": {"best": 8.1},
    "curves": {"kl_per_frame": [8.1] * FRESH + [0.0] * REPEATED},
}


def digit(rng: np.random.Generator) -> np.ndarray:
    """A smooth closed stroke, about as complicated as a handwritten digit."""
    turns = np.linspace(0, 2 * np.pi * rng.uniform(0.6, 1.0), 160)
    a, b = rng.normal(size=(2, 4)) / np.arange(1, 5)
    x = SIDE / 2 + 4.5 * sum(a[n] * np.cos((n + 1) * turns) + 0.3 * b[n] for n in range(4))
    y = SIDE / 2 + 6.0 * sum(b[n] * np.sin((n + 1) * turns) + 0.3 * a[n] for n in range(4))
    grid = np.arange(SIDE)
    near = (grid[:, None, None] - y) ** 2 + (grid[None, :, None] - x) ** 2
    return np.clip(1.6 * np.exp(-near.min(axis=-1) / 2.2), 0, 1)


def sequence(rng: np.random.Generator) -> np.ndarray:
    fresh = [digit(rng) for _ in range(FRESH)]
    return np.stack([*fresh, *fresh[:REPEATED]])


def blurred(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rolled = sum(np.roll(frames, shift, axis) for shift in (-1, 1) for axis in (-1, -2))
    return np.clip(0.55 * frames + 0.14 * rolled + 0.02 * rng.normal(size=frames.shape), 0, 1)


def learned(steps: np.ndarray, *, slow: float, floor: float) -> np.ndarray:
    """The last frame's KL: it climbs while frames are told apart, then memory brings it down."""
    return 9.0 * (1 - np.exp(-steps / 900)) * (floor + (1 - floor) / (1 + np.exp((steps - slow) / 700)))


def metric_lines(rng: np.random.Generator, *, updates: int, slow: float, floor: float) -> list[dict]:
    lines = []
    for step in range(100, updates + 1, 100):
        bound = 76 + 120 * np.exp(-step / 900) + 6 / (1 + np.exp((step - slow) / 700)) + 0.4 * rng.normal()
        kl = 9 * (1 - np.exp(-step / 900))
        seconds = round(step * 0.0245, 3)
        about = {"kl": kl, "log_likelihood": kl - bound, "grad_norm": 1 + rng.random()}
        lines.append({"kind": "train", "step": step, "seconds": seconds, "negative_bound": bound, **about})
        if step % 1000 == 0:
            last = float(learned(np.array(step), slow=slow, floor=floor)) + 0.03 * rng.random()
            measured = {
                "kl_recall": last + 0.1,
                "kl_fresh": kl,
                "kl_last": last,
                "negative_bound": bound + 0.6,
            }
            lines.append({"kind": "evaluate", "step": step, "seconds": seconds, **measured})
    return lines


def arrays(rng: np.random.Generator, *, floor: float, heads: int) -> dict[str, np.ndarray]:
    recalled = 9 * floor + np.array([0.9, 0.15, 0.05, 0.05, 0.05])
    kl = np.concatenate([8.9 + 0.25 * rng.normal(size=FRESH), recalled + 0.05 * rng.random(REPEATED)])
    logits = rng.normal(size=(TIME, heads, TIME))
    logits[FRESH:, 0, FRESH - 1] += 7
    written = np.arange(TIME)[None, :] < np.arange(TIME)[:, None]
    weights = np.exp(logits) * written[:, None, :]
    weights /= np.maximum(weights.sum(-1, keepdims=True), 1e-9)
    opening = np.where(np.arange(TIME) >= FRESH, 3.0, -3.0)[:, None, None] + rng.normal(size=(TIME, heads, 16))
    truth = np.stack([sequence(rng) for _ in range(4)])
    continued = truth.copy()
    continued[:, FRESH:] = blurred(truth[:, FRESH:], rng)
    return {
        "kl_per_frame": kl,
        "negative_bound_per_frame": kl + 68 + 0.6 * rng.normal(size=TIME),
        "frames": np.stack([sequence(rng) for _ in range(4)]).astype(np.float32),
        "sampled": blurred(np.stack([sequence(rng) for _ in range(4)]), rng).astype(np.float32),
        "continued": continued.astype(np.float32),
        "given": np.array(FRESH),
        "continued_truth": truth.astype(np.float32),
        "read_weights": weights,
        "read_gates": 1 / (1 + np.exp(-opening)),
        "recall_start": np.array(FRESH),
    }


def make_run(
    folder: Path,
    *,
    seed: int = 0,
    memory: str = "introspection",
    slow: float = 5000,
    floor: float = 0.0,
    running: bool = False,
    heads: int = 2,
) -> Path:
    """Write a run folder; a running one has no results and its last line of metrics is cut short."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    updates = 7000 if running else 30_000
    config = {
        "experiment": "perfect-recall",
        "title": "Perfect recall",
        "preset": "small",
        "seed": seed,
        "options": {
            "task": {"fresh": FRESH, "repeated": REPEATED, "images": "digits"},
            "model": {"latent": 16, "hidden": 64, "memory": {"kind": memory, "slots": TIME, "heads": heads}},
            "training": {"updates": 30_000, "batch": 32, "rate": 0.001, "clip": 1.0, "resume": None},
        },
        "command": COMMAND,
        "versions": VERSIONS,
        "device": "CPU, 2 cores",
        "parameters": 121_643,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    lines = metric_lines(rng, updates=updates, slow=slow, floor=floor)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "metrics.jsonl").write_text(text + '{"kind": "train", "step": 7100, "sec' if running else text)
    if running:
        return folder
    np.savez_compressed(folder / "evaluation.npz", **arrays(rng, floor=floor, heads=heads))
    last = {name: value for name, value in lines[-1].items() if name not in ("kind", "step", "seconds")}
    last["negative_iw_bound"] = last["negative_bound"] - 0.7
    results = {
        "metrics": last,
        "published": PUBLISHED,
        "bounds": BOUNDS,
        "seconds": 734.2 + 3 * seed,
        "updates": updates,
        "command": COMMAND,
        "versions": VERSIONS,
    }
    (folder / "results.json").write_text(json.dumps(results))
    return folder


MEMBERS = {
    "introspection": {"slow": 5000, "floor": 0.0},
    "dnc": {"slow": 8000, "floor": 0.06},
    "ntm": {"slow": 11000, "floor": 0.12},
    "none": {"slow": 16000, "floor": 0.8},
}


def make_comparison(folder: Path, *, seeds: int = 3) -> Path:
    """Write a comparison folder with its members' run folders in it."""
    members = {}
    for name, shape in MEMBERS.items():
        runs = [f"{name}/seed-{seed}" for seed in range(seeds)]
        measured = []
        for seed, run in enumerate(runs):
            slow = shape["slow"] * (1 + 0.15 * seed)
            make_run(folder / run, seed=seed, memory=name, slow=slow, floor=shape["floor"] * (1 + 0.2 * seed))
            measured.append(json.loads((folder / run / "results.json").read_text())["metrics"])
        metrics = {}
        for metric in ("kl_recall", "kl_fresh", "kl_last", "negative_bound"):
            values = [one[metric] for one in measured]
            spread = {"median": float(np.median(values)), "low": min(values), "high": max(values)}
            metrics[metric] = {**spread, "values": values}
        members[name] = {
            "metrics": metrics,
            "published": PUBLISHED,
            "bounds": BOUNDS,
            "seconds": {"median": 737.2, "low": 734.2, "high": 740.2},
            "updates": 30_000,
            "parameters": 121_643 if name == "introspection" else 119_800,
            "runs": runs,
        }
    results = {
        "title": "Perfect recall: which memory remembers?",
        "vary": "memory",
        "members": members,
        "command": "vestige compare perfect-recall --vary memory --seeds 3",
        "versions": VERSIONS,
    }
    (folder / "results.json").write_text(json.dumps(results))
    return folder


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


@pytest.fixture
def running_folder(tmp_path: Path) -> Iterator[Path]:
    """A run into which this process writes."""
    folder = make_run(tmp_path / "running", running=True)
    with FolderLock(folder):
        yield folder


@pytest.fixture
def comparison_folder(tmp_path: Path) -> Path:
    return make_comparison(tmp_path / "comparison")


VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """What is in a page; raises if its tags do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words.append(data)

    def attributes(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.seen if name == tag]

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.seen if "id" in attributes]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def outside(self) -> list[str]:
        """Addresses that lead anywhere but into the page, its data or the folder it lies in."""
        names = ("src", "href", "xlink:href", "srcset", "action", "data", "poster")
        links = [attributes[name] for _, attributes in self.seen for name in names if name in attributes]
        styles = [attributes.get("style", "") for _, attributes in self.seen] + [self.source]
        links += [part.split(")")[0].strip("'\"") for style in styles for part in style.split("url(")[1:]]
        if "@import" in self.source:
            links.append("@import")
        return [link for link in links if not link.startswith(("#", "data:", "./"))]


@pytest.fixture
def read_page() -> Callable[[Path], Page]:
    return lambda path: Page(path.read_text(encoding="utf-8"))
