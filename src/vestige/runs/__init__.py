"""Runs: their folders and what these hold, how they are continued, inherited, verified, compared and timed."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
