"""Tasks: generators with known answers, and the metrics by which models are evaluated."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
