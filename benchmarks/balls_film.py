"""A film of bouncing balls as a user would have it, and one with holes, and how well the holes are filled.

    python benchmarks/balls_film.py make FOLDER            # balls.npy, late.npy, holes.npy
    vestige fit FOLDER/balls.npy --as frames --out FOLDER/run
    vestige predict FOLDER/run FOLDER/late.npy --out FOLDER/surprise.csv
    vestige complete FOLDER/run FOLDER/holes.npy --out FOLDER/filled.npy
    python benchmarks/balls_film.py compare FOLDER

`balls.npy`: 5,000 frames of 15 x 15 grey values, three balls in a box, one film. `late.npy`: 300 frames of another
one, in which the balls are put elsewhere at frame 150. `holes.npy`: these frames without a 6 x 6 square in the middle
of the picture in frames 50 to 99, and without each pixel with probability 0.3 in frames 200 to 249.
"""

import argparse
import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from vestige.tasks.filtering.balls import advance, released, render

BALLS, RESOLUTION = 3, 15
MOVED, SQUARE, SCATTERED = 150, slice(50, 100), slice(200, 250)


def film(frames: int, seed: int) -> np.ndarray:
    """(frames, height, width) float32."""

    def step(discs, _):
        return advance(discs), render(discs.positions, RESOLUTION)

    start = released(BALLS, key=jax.random.key(seed))
    seen = jax.jit(lambda start: jax.lax.scan(step, start, None, length=frames)[1])(start)
    return np.asarray(jnp.reshape(seen, (frames, RESOLUTION, RESOLUTION)))


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "balls.npy", film(5_000, seed=0))
    late = np.concatenate([film(MOVED, seed=1), film(MOVED, seed=2)])
    np.save(folder / "late.npy", late)
    holes = late.copy()
    holes[SQUARE, 5:11, 5:11] = np.nan
    holes[SCATTERED][np.random.default_rng(0).random(holes[SCATTERED].shape) < 0.3] = np.nan
    np.save(folder / "holes.npy", holes)


def compare(folder: Path) -> None:
    balls, late, holes, filled = (np.load(folder / f"{name}.npy") for name in ("balls", "late", "holes", "filled"))
    with (folder / "surprise.csv").open() as file:
        surprise = np.array([float(row["surprise"]) for row in csv.DictReader(file)])
    others = np.r_[20:MOVED, MOVED + 20 : len(late)]
    print(f"surprise: at the cut {surprise[MOVED]:.1f} nats, elsewhere {surprise[others].mean():.1f}, "
          f"at most {surprise[others].max():.1f}")  # fmt: skip
    mean = balls[: int(0.8 * len(balls))].mean(axis=0)
    last = holes.copy()
    last[0] = np.where(np.isnan(last[0]), mean, last[0])
    for t in range(1, len(last)):
        last[t] = np.where(np.isnan(last[t]), last[t - 1], last[t])
    print("squared error of a pixel that is missing, x 1000: model, last value seen, mean frame")
    for name, part in (("square", SQUARE), ("scattered", SCATTERED)):
        gone = np.isnan(holes[part])
        error = lambda found: 1000 * np.square(found - late[part])[gone].mean()  # noqa: B023
        values = error(filled[part]), error(last[part]), error(np.broadcast_to(mean, late.shape)[part])
        print(f"{name:10} {'  '.join(f'{value:7.2f}' for value in values)}   ({gone.sum():,} pixels)")
    assert np.array_equal(filled[~np.isnan(holes)], holes[~np.isnan(holes)]), "what was there is as it was"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "compare"))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    {"make": make, "compare": compare}[options.what](options.folder)


if __name__ == "__main__":
    main()
