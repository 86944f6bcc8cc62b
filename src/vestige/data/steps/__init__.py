"""Tables and texts as steps of a stream: what is seen at each, and the outcome that is predicted."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
