"""Tasks in which a model that only goes forward in time is evaluated by what its state knows."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
