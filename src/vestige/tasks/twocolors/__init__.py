"""A room with orbs of two colours in a first-person game, of which a pillar at the start says which are good."""

from vestige.tasks.twocolors.collect import record as record
from vestige.tasks.twocolors.episodes import ColorEpisodes as ColorEpisodes
from vestige.tasks.twocolors.recorded import Recorded as Recorded
from vestige.tasks.twocolors.rooms import COLORS as COLORS
from vestige.tasks.twocolors.rooms import Orb as Orb
from vestige.tasks.twocolors.rooms import TwoColorsRoom as TwoColorsRoom
from vestige.tasks.twocolors.rooms import draw_room as draw_room
from vestige.tasks.twocolors.world import TwoColors as TwoColors
