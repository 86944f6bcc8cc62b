"""What lies where, and the file that says so to the game."""

import re
import struct

import numpy as np

from vestige.tasks.twocolors import Orb, TwoColorsRoom, draw_room
from vestige.tasks.twocolors.rooms import CLEAR, HALF, ORBS, WALL
from vestige.tasks.twocolors.scenario import scenario


def rooms(count, seed=0):
    rng = np.random.default_rng(seed)
    return [draw_room(index % 2, rng=rng) for index in range(count)]


def lumps(wad):
    """A reader of its own: magic, count and place of the directory; then place, size and name of each lump."""
    magic, count, directory = struct.unpack_from("<4sii", wad)
    assert magic == b"PWAD" and len(wad) == directory + 16 * count
    entries = [struct.unpack_from("<ii8s", wad, directory + 16 * place) for place in range(count)]
    return [(name.rstrip(b"\0").decode(), wad[begin : begin + size].decode()) for begin, size, name in entries]


def test_orbs_lie_where_they_may():
    for room in rooms(20):
        assert [orb.color for orb in room.orbs] == [0, 1] * ORBS
        for orb in room.orbs:
            assert max(abs(orb.x), abs(orb.y)) <= HALF - WALL and orb.x**2 + orb.y**2 >= CLEAR**2


def test_rooms_follow_from_the_seed():
    assert rooms(3) == rooms(3) != rooms(3, seed=1)
    assert len({room.orbs for room in rooms(6)}) == 6


def test_a_file_has_a_map_for_each_room():
    made = [TwoColorsRoom(0, (Orb(1, 100, -120),)), TwoColorsRoom(1, ())]
    found = lumps(scenario(made))
    assert [name for name, _ in found] == ["DECORATE", "ROOM0000", "TEXTMAP", "ENDMAP", "ROOM0001", "TEXTMAP", "ENDMAP"]
    things = [re.findall(r"thing { type=(\d+); x=(-?\d+); y=(-?\d+);", found[place][1]) for place in (2, 5)]
    assert things[0] == [("1", "0", "0"), ("20011", "0", "96"), ("20002", "100", "-120")]
    assert things[1] == [("1", "0", "0"), ("20012", "0", "96")]


def test_every_kind_of_thing_is_described():
    kinds = dict(re.findall(r"ACTOR (\w+)[^{]*?(\d+) {", lumps(scenario(rooms(1)))[0][1]))
    assert kinds == {"Orb0": "20001", "Orb1": "20002", "Pillar0": "20011", "Pillar1": "20012"}
