"""Sums over estimates."""

import numpy as np


class Moments:
    """Mean, variance and direction of estimates, from the reference on, so that little is lost to rounding."""

    def __init__(self, reference: np.ndarray):
        self.reference = reference
        self.count, self.first, self.second, self.cosines = 0, np.zeros_like(reference), np.zeros_like(reference), 0.0

    def add(self, gradients: np.ndarray) -> None:
        """Take in estimates, (count, coordinates)."""
        off = gradients - self.reference
        self.count += len(off)
        self.first += off.sum(axis=0)
        self.second += (off**2).sum(axis=0)
        norms = np.linalg.norm(gradients, axis=1) * np.linalg.norm(self.reference)
        self.cosines += float((gradients @ self.reference / np.where(norms > 0, norms, np.inf)).sum())

    @property
    def off(self) -> np.ndarray:
        """The mean less the reference."""
        return self.first / self.count

    @property
    def variance(self) -> float:
        """Of one estimate, summed over the coordinates."""
        return float(np.maximum(self.second - self.count * self.off**2, 0.0).sum() / (self.count - 1))

    @property
    def cosine(self) -> float:
        """Between one estimate and the reference, on average."""
        return self.cosines / self.count
