"""Data for networks that run both ways: patterns, images with labels, and a classifier to be calibrated."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
