"""One experiment for all: what is learned, by what model and rule; the catalogue of presets."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
