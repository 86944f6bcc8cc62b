"""Tasks in which an outcome depends on what was seen long before it (MemUP section 5)."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
