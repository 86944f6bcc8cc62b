"""The room as an environment; it lives on the host."""

import contextlib
import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from vestige.errors import RunError, UsageError
from vestige.tasks.twocolors.rooms import TwoColorsRoom
from vestige.tasks.twocolors.scenario import map_name, scenario

ACTIONS = ("TURN_LEFT", "TURN_RIGHT", "MOVE_FORWARD", "MOVE_BACKWARD")
FRAME = (24, 32, 3)
"""Rows, columns, red-green-blue."""
SHRINK = 5  # the game draws 120 rows of 160
FULL = 100.0
WORTH = 10.0
"""Health that a good orb gives and a bad one takes."""
DRAIN = 0.1
"""Health lost per tic: who picks up nothing lasts 1,000 tics."""


class Stepped(NamedTuple):
    """What a step brought."""

    frame: UInt8[np.ndarray, "rows columns 3"]
    reward: float
    done: bool


class TwoColors:
    """Rooms with orbs of two colours, seen through the player's eyes (after Vizdoom-Two-Colors, MemUP section 5.1).

    A pillar stands before the player for the first 45 tics. Orbs of its colour give 10 health and a reward of 1, the
    others take 10 and give -1; an orb is back 10 seconds later. Health starts at 100, is never more, and goes down by
    0.1 per tic. An episode is over where it is used up, and after `tics`. The four actions are `ACTIONS`, each held
    for `skip` tics. Nothing on the screen shows health, nor whether an orb was good.

    Needs the package `vizdoom`, whose engine runs in a process of its own, without a window. Everything that is drawn
    lies in `rooms`; a room and some actions give the same frames and rewards every time. Not JAX: numpy in and out.
    Close it, or use it in a `with` block.

    This is a reconstruction: the published scenario is not to be had, and its sizes are not known.

    **Raises:** `UsageError` where the package is not installed; `RunError` where its game does not start; `ValueError`
    where there is no room, or more than 10,000, or where `skip` or `tics` is below 1.
    """

    def __init__(self, rooms: Sequence[TwoColorsRoom], *, skip: int = 4, tics: int = 2100):
        if not 1 <= len(rooms) <= 10_000:
            raise ValueError(f"TwoColors: rooms must be 1 to 10,000, got {len(rooms):,}")
        if skip < 1 or tics < 1:
            raise ValueError(f"TwoColors: skip and tics must be at least 1, got skip={skip}, tics={tics}")
        vizdoom = _package()
        self.rooms, self.skip, self.tics = tuple(rooms), skip, tics
        self._folder = tempfile.TemporaryDirectory(prefix="vestige-two-colors-")
        try:
            self._game = _started(vizdoom, Path(self._folder.name), self.rooms)
        except BaseException:
            self._folder.cleanup()
            raise
        self._sign, self._health, self._left, self._counts = 0, 0.0, 0, np.zeros(2)

    @property
    def horizon(self) -> int:
        """The most steps of an episode."""
        return -(-self.tics // self.skip)

    def reset(self, room: int) -> UInt8[np.ndarray, "rows columns 3"]:
        """Begin anew in that room: the first frame."""
        self._game.set_doom_map(map_name(room))
        self._game.new_episode()
        self._sign = 1 if self.rooms[room].pillar == 0 else -1
        self._health, self._left = FULL, self.tics
        frame, self._counts = self._look()
        return frame

    def step(self, action: int) -> Stepped:
        """Hold an action for `skip` tics.

        **Raises:** `ValueError` where there is no such action, and where the episode is over or has not begun.
        """
        if not 0 <= action < len(ACTIONS):
            raise ValueError(f"TwoColors: action must be in 0..{len(ACTIONS) - 1}, {', '.join(ACTIONS)}; got {action}")
        if self._left <= 0 or self._health <= 0:
            raise ValueError("TwoColors: the episode is over, or none has begun; call reset")
        tics = min(self.skip, self._left)
        self._game.make_action([place == action for place in range(len(ACTIONS))], tics)
        frame, counts = self._look()
        green, red = counts - self._counts
        reward = float(self._sign * int(green - red))
        self._counts, self._left = counts, self._left - tics
        self._health = min(FULL, self._health + WORTH * reward - DRAIN * tics)
        return Stepped(frame, reward, self._left <= 0 or self._health <= 0)

    def close(self) -> None:
        """End the engine's process and remove its files."""
        self._game.close()
        self._folder.cleanup()

    def __enter__(self) -> "TwoColors":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look(self) -> tuple[np.ndarray, np.ndarray]:
        """The frame, and how many orbs of each colour the player has had so far."""
        state = self._game.get_state()
        rows, columns, colors = FRAME
        across = state.screen_buffer.reshape(rows, SHRINK, -1).sum(axis=1, dtype=np.uint16)
        boxes = across.reshape(rows, columns, SHRINK, colors).sum(axis=2, dtype=np.uint16)
        return (boxes // SHRINK**2).astype(np.uint8), np.array(state.game_variables)


def _package() -> Any:
    try:
        return importlib.import_module("vizdoom")
    except ImportError as error:
        raise UsageError(f"Two-Colors needs vizdoom ({error}): pip install 'vestige[vizdoom]'") from None


def _started(vizdoom: Any, folder: Path, rooms: Sequence[TwoColorsRoom]) -> Any:
    """The engine, under way."""
    wad = folder / "rooms.wad"
    wad.write_bytes(scenario(rooms))
    game = vizdoom.DoomGame()
    game.set_doom_game_path(str(Path(vizdoom.__file__).parent / "freedoom2.wad"))
    game.set_doom_scenario_path(str(wad))
    game.set_doom_config_path(str(folder / "engine.ini"))
    game.set_doom_map(map_name(0))
    game.set_seed(0)  # nothing in the rooms is left to chance; the engine wants one all the same
    game.set_mode(vizdoom.Mode.PLAYER)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_160X120)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_render_hud(False)
    game.set_render_weapon(False)
    game.set_render_crosshair(False)
    game.set_render_effects_sprites(False)
    game.set_render_screen_flashes(False)
    game.set_available_buttons([getattr(vizdoom.Button, name) for name in ACTIONS])
    game.set_available_game_variables([vizdoom.GameVariable.HEALTH, vizdoom.GameVariable.ARMOR])
    try:
        with contextlib.chdir(folder):  # the engine leaves a folder where it is started
            game.init()
    except Exception as error:
        raise RunError(f"Two-Colors: the game of the package vizdoom does not start: {error}") from error
    return game
