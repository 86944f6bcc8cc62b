"""Sequences that are read in windows, so that none need be in memory as a whole."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
