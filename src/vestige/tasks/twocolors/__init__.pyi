"""A room with orbs of two colours in a first-person game, of which a pillar at the start says which are good."""

from .collect import record as record
from .episodes import ColorEpisodes as ColorEpisodes
from .recorded import Recorded as Recorded
from .rooms import COLORS as COLORS
from .rooms import Orb as Orb
from .rooms import TwoColorsRoom as TwoColorsRoom
from .rooms import draw_room as draw_room
from .world import TwoColors as TwoColors
