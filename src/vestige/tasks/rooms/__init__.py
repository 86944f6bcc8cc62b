"""Rooms drawn by a small ray-caster, and the task of standing in one and turning."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
