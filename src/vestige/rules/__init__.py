"""Learning rules: values that turn (model, batch) into a gradient-shaped update."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
