"""Learning from sequences and structures when plain back-propagation is the wrong tool.

The rooms, from the ground up: `numerics`, `typing`, `structures`, `estimators`, `memory`, `cells`, `models`, `rules`,
`data`, `tasks`, `training`, `experiments`, `report`, `cli`. A package imports only from those above it.
"""

from importlib.metadata import version

__version__ = version("vestige")
