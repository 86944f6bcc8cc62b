"""A corridor, and at its end a choice that was told at its beginning (MemUP section 5.1)."""

from vestige.tasks.tmaze.control import MazeControl as MazeControl
from vestige.tasks.tmaze.episodes import MazeSequence as MazeSequence
from vestige.tasks.tmaze.maze import MazeState as MazeState
from vestige.tasks.tmaze.maze import TMaze as TMaze
from vestige.tasks.tmaze.memory import MazeEpisodes as MazeEpisodes
