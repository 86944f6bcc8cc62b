"""External memories behind one contract: what was seen goes in, a context for the prior comes out."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
