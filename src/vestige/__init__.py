"""Learning from sequences and structures when plain back-propagation is the wrong tool.

The rooms, from the ground up: `data`, `sequences`, `structures`, `estimators`, `memory`, `cells`, `models`, `rules`,
`tasks`, `training`, `experiments`, `report`, `cli`. A package imports only from those before it. Names are resolved
when they are used: importing `vestige` imports no JAX.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
