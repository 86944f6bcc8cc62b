"""Hidden layers as one writes them; nothing here imports JAX."""

import re
from typing import NamedTuple


class Units(NamedTuple):
    """Bits that look at all of the layer below."""

    size: int

    def shape(self, below: tuple[int, ...]) -> tuple[int, ...]:
        """Of the layer."""
        return (self.size,)


class Filters(NamedTuple):
    """Bits that each look at a square of the image below, `number` of them at every place."""

    number: int
    side: int
    stride: int
    padding: int

    def shape(self, below: tuple[int, ...]) -> tuple[int, ...]:
        """Of the layer. **Raises:** `ValueError` where there is no image below, or a smaller one than it looks at."""
        if len(below) != 3:
            raise ValueError(
                "layers: filters look at an image, so they come before all other layers; write 8c5s1-50, not 50-8c5s1"
            )
        if min(below[1:]) + 2 * self.padding < self.side:
            raise ValueError(
                f"layers: filters of {self.side} x {self.side} pixels look at an image of {below[1]} x {below[2]}; "
                "take smaller ones, or a border (p1)"
            )
        return (self.number, *((side + 2 * self.padding - self.side) // self.stride + 1 for side in below[1:]))


_FILTERS = re.compile(r"([1-9]\d*)c([1-9]\d*)(?:s([1-9]\d*))?(?:p(\d+))?")


def parsed(layers: str) -> tuple[Units | Filters, ...]:
    """From the data upward: `100` for as many bits, `8c5s2p1` for 8 filters of 5 x 5 pixels with stride 2 (1 if it is
    left out) and a border of 1 (0).

    **Raises:** `ValueError` for anything else.
    """
    found: list[Units | Filters] = []
    for part in layers.split("-"):
        filters = _FILTERS.fullmatch(part)
        if filters:
            number, side, stride, padding = filters.groups()
            found.append(Filters(int(number), int(side), int(stride or 1), int(padding or 0)))
        elif part.isdigit() and int(part) > 0:
            found.append(Units(int(part)))
        else:
            raise ValueError(
                "layers must be sizes from the data upward, such as 100-50, below them if wanted filters, such as "
                f"8c5s2-50 (8 of 5 x 5 pixels, stride 2), got {layers!r}"
            )
    return tuple(found)


def shapes(layers: str, side: int) -> tuple[tuple[int, ...], ...]:
    """Shapes of the hidden `layers`, as `parsed` reads them, above an image of `side` x `side` pixels.

    **Raises:** `ValueError` as `parsed`.
    """
    below: tuple[int, ...] = (1, side, side)
    found = []
    for layer in parsed(layers):
        below = layer.shape(below)
        found.append(below)
    return tuple(found)


def sizes(layers: str) -> tuple[int, ...]:
    """Sizes of the hidden `layers` above data that are no image.

    **Raises:** `ValueError` as `parsed`, and for filters.
    """
    found = parsed(layers)
    if any(isinstance(layer, Filters) for layer in found):
        raise ValueError(
            f"layers: filters look at an image, and these data are none; write sizes, 32-16, got {layers!r}"
        )
    return tuple(layer.shape(())[0] for layer in found)
