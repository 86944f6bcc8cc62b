"""Episodes of a random policy."""

from collections.abc import Iterator

import numpy as np

from vestige.tasks.twocolors.recorded import Recorded
from vestige.tasks.twocolors.rooms import COLORS, draw_room
from vestige.tasks.twocolors.world import ACTIONS, TwoColors

GOES_ON = 0.85  # how often the last action is taken again: who changes at every step hardly moves
ODDS = (0.2, 0.2, 0.5, 0.1)  # of the actions where one is drawn: mostly forward, for an orb behind one is not seen


def random_policy(*, rng: np.random.Generator) -> Iterator[int]:
    """Random actions, blind to what is seen: each is held for about seven steps."""
    action = int(rng.choice(len(ACTIONS), p=ODDS))
    while True:
        yield action
        if rng.random() >= GOES_ON:
            action = int(rng.choice(len(ACTIONS), p=ODDS))


def record(episodes: int, *, seed: int | np.random.SeedSequence, skip: int = 4, tics: int = 2100) -> Recorded:
    """`episodes` of random actions, each in a room of its own; the pillars' colours take turns.

    The same seed gives the same episodes, to the bit. About 1,000 steps a second.

    **Arguments:**

    - `episodes`: how many.
    - `seed`: of rooms and actions.
    - `skip`, `tics`: as in [`TwoColors`][vestige.tasks.twocolors.TwoColors].

    **Raises:** as [`TwoColors`][vestige.tasks.twocolors.TwoColors] does.
    """
    rng = np.random.default_rng(seed)
    rooms = [draw_room(index % len(COLORS), rng=rng) for index in range(episodes)]
    frames: list[np.ndarray] = []
    actions: list[int] = []
    rewards: list[float] = []
    begins: list[int] = []
    with TwoColors(rooms, skip=skip, tics=tics) as world:
        for room in range(episodes):
            begins.append(len(actions))
            frame, steps = world.reset(room), random_policy(rng=rng)
            done = False
            while not done:
                frames.append(frame)
                actions.append(next(steps))
                frame, reward, done = world.step(actions[-1])
                rewards.append(reward)
    return Recorded(
        np.stack(frames),
        np.array(actions, np.int32),
        np.array(rewards, np.float32),
        np.array(begins, np.int32),
        np.diff([*begins, len(actions)]).astype(np.int32),
        world.horizon,
        len(ACTIONS),
    )
