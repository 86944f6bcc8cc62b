"""A corridor, and at its end a choice that a hint at its beginning decides (MemUP section 5.1)."""

from .control import MazeControl as MazeControl
from .episodes import MazeSequence as MazeSequence
from .maze import MazeState as MazeState
from .maze import TMaze as TMaze
from .memory import MazeEpisodes as MazeEpisodes
