"""How files of a run folder are kept: whole or not at all, with digests, by one writer at a time."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
