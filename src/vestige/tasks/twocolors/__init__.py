"""A room with orbs of two colours in a first-person game, of which a pillar at the start says which are good."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
