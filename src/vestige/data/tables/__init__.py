"""Tables of a user: one door for files and objects, read in batches; a schema; numbers for a model, and back."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
