"""Texts with a latent structure: nested expressions, sentences, and texts of which a few words are read."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
