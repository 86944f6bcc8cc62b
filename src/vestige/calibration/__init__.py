"""How far the probabilities of a classifier can be believed, and what makes them better, side by side."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
