"""Recognition and generation from one stack of weights: the pair, its ties, and what it can be asked."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
