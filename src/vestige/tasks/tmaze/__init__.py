"""A corridor, and at its end a choice that was told at its beginning (MemUP section 5.1)."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
