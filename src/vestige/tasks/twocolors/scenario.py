"""Rooms as a file that the game reads.

A WAD is a header, the contents of its lumps end to end, and a directory of them. A map is three lumps, the middle one
of which is a text (UDMF). Kinds of things are described in another text (DECORATE). Sprites and textures are those of
the game's own data.
"""

import struct
from collections.abc import Iterable, Sequence

from vestige.tasks.twocolors.rooms import HALF, TwoColorsRoom

AHEAD = 96  # where the pillar stands, north of the player
PILLAR_TICS = 45  # how long
RESPAWN_TICS = 350  # after which an orb lies where it lay
TINTS = ("[0.2,1.6,0.2]", "[1.8,0.2,0.2]")  # of the brightest grey, by colour
PLAYER = 1
ORB, PILLAR = 20_001, 20_011  # numbers of the kinds of things; the colour is added
ALWAYS = "skill1=true; skill2=true; skill3=true; skill4=true; skill5=true; single=true;"
COUNTED = (  # an orb is an ordinary thing, of which the engine keeps count: green as health, red as armor
    "Health {number} {{ Inventory.Amount 1 Inventory.MaxAmount 1000000",
    "ArmorBonus {number} {{ Armor.SaveAmount 1 Armor.MaxSaveAmount 1000000",
)


def map_name(index: int) -> str:
    """Of room `index`."""
    return f"ROOM{index:04d}"


def scenario(rooms: Sequence[TwoColorsRoom]) -> bytes:
    """A WAD with a map for each room."""
    lumps = [("DECORATE", _kinds())]
    for index, room in enumerate(rooms):
        lumps += [(map_name(index), ""), ("TEXTMAP", _map(room)), ("ENDMAP", "")]
    return _wad((name, text.encode("ascii")) for name, text in lumps)


def _wad(lumps: Iterable[tuple[str, bytes]]) -> bytes:
    body, directory = bytearray(), bytearray()
    count = 0
    for name, content in lumps:
        directory += struct.pack("<ii8s", 12 + len(body), len(content), name.encode("ascii"))
        body += content
        count += 1
    return struct.pack("<4sii", b"PWAD", count, 12 + len(body)) + bytes(body) + bytes(directory)


def _kinds() -> str:
    """Orbs and pillars. A state must end at a line's end: the game falls over where it does not."""
    kinds = []
    for color, (tint, counted) in enumerate(zip(TINTS, COUNTED, strict=True)):
        translation = f'Translation "0:255=%[0,0,0]:{tint}"'
        kinds.append(
            f"ACTOR Orb{color} : {counted.format(number=ORB + color)} Inventory.RespawnTics {RESPAWN_TICS}\n"
            f"+INVENTORY.ALWAYSPICKUP +INVENTORY.ALWAYSRESPAWN Scale 1.5 {translation}\n"
            "States {\nSpawn:\nSOUL A -1 Bright\nStop\n}\n}\n"
        )
        kinds.append(
            f"ACTOR Pillar{color} {PILLAR + color} {{ Radius 16 Height 128 +SYNCHRONIZED {translation}\n"
            f"States {{\nSpawn:\nCOL1 A {PILLAR_TICS} Bright\nStop\n}}\n}}\n"
        )
    return "".join(kinds)


def _map(room: TwoColorsRoom) -> str:
    """One square sector, the player in its middle, looking north."""
    corners = ((-HALF, -HALF), (-HALF, HALF), (HALF, HALF), (HALF, -HALF))
    lines = ['namespace = "zdoom";']
    lines += [f"vertex {{ x={x}; y={y}; }}" for x, y in corners]
    lines += [f"linedef {{ v1={i}; v2={(i + 1) % 4}; sidefront={i}; blocking=true; }}" for i in range(4)]
    lines += ['sidedef { sector=0; texturemiddle="STONE2"; }'] * 4
    lines.append(
        "sector { heightfloor=0; heightceiling=128; lightlevel=192; "
        'texturefloor="FLOOR0_1"; textureceiling="CEIL1_1"; }'
    )
    lines += [_thing(PLAYER, 0, 0), _thing(PILLAR + room.pillar, 0, AHEAD)]
    lines += [_thing(ORB + orb.color, orb.x, orb.y) for orb in room.orbs]
    return "\n".join(lines)


def _thing(kind: int, x: int, y: int) -> str:
    return f"thing {{ type={kind}; x={x}; y={y}; angle=90; {ALWAYS} }}"
