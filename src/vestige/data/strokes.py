"""Invented characters of two to four quadratic strokes: templates, variations of them, and their pixels.

Every function is elementwise in additions, multiplications, divisions, square roots and comparisons,
which IEEE 754 rounds alike everywhere, so the same numbers make the same bytes on any machine. Hence no
matrix products, no sums over an axis and no trigonometry here.
"""

import math

import numpy as np

SIDE = 28
TEMPLATE, VARIATION = 48, 56
"""How many numbers in [0, 1) a template and a variation are made of."""

_STROKES, _SAMPLES = 4, 48
_H = math.sqrt(0.5)
_COMPASS = np.array([(1, 0), (_H, _H), (0, 1), (-_H, _H), (-1, 0), (-_H, -_H), (0, -1), (_H, -_H)], np.float64)
_FIRST = np.array([0, 0, 1, 2, 2, 2, 3, 4])
_TURNS = np.array([1, 2, 2, 3, 5, 6, 6, 7])
_CHUNK, _PAD, _WINDOW = 256, 4, 4


def templates(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Characters made of `numbers` (n, TEMPLATE): control points (n, 4, 3, 2) and stroke counts (n,).

    The points are (x, y) in pixels about the centre. Strokes beyond the count repeat the first one.
    Each stroke after the first goes on from the end of the last one, branches off or crosses an earlier
    one, closes a loop, or stands apart.
    """
    u = numbers
    count = 2 + (u[:, 0] > 0.25) + (u[:, 0] > 0.75)
    strokes = np.zeros((len(u), _STROKES, 3, 2))
    octant = _FIRST[(8 * u[:, 3]).astype(int)]
    for k in range(_STROKES):
        own = u[:, 8 + 10 * k : 18 + 10 * k]
        strokes[:, k] = _stroke(octant, own, strokes[:, :k])
        octant = (octant + _TURNS[(8 * own[:, 0]).astype(int)]) % 8
    strokes = _without_spare(strokes, count)

    low, high = _bounds(strokes)
    extent = high - low
    longest = extent.max(axis=1, keepdims=True)
    stretch = np.maximum(extent, (0.6 + 0.3 * u[:, 1:2]) * longest) / extent
    scale = stretch * (17 + 4 * u[:, 2:3]) / longest
    centre = (low + high) / 2
    return (strokes - centre[:, None, None]) * scale[:, None, None], count


def variations(strokes: np.ndarray, count: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Templates drawn anew: points are jittered; the whole is turned, slanted, scaled, shifted, and kept in the frame.

    **Arguments:**

    - `strokes`: the templates, (n, 4, 3, 2).
    - `count`: strokes of each, (n,).
    - `numbers`: in [0, 1), (n, VARIATION), by which they vary.

    **Returns:** the control points in pixels, (n, 4, 3, 2), (0, 0) being the centre of the top left one, and half the
    width of the pen, (n,).
    """
    u = numbers
    jitter = (u[:, 8:32] + u[:, 32:56] - 1).reshape(-1, _STROKES, 3, 2)
    x, y = np.moveaxis(_without_spare(strokes + 1.7 * jitter, count), -1, 0)

    turn, slant, wide, tall = (v[:, None, None] for v in (2 * u[:, :4] - 1).T)
    tangent = 0.08 * turn  # of half the angle
    cosine, sine = (1 - tangent * tangent) / (1 + tangent * tangent), 2 * tangent / (1 + tangent * tangent)
    x, y = (1 + 0.15 * wide) * (x + 0.2 * slant * y), (1 + 0.15 * tall) * y
    points = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)

    low, high = _bounds(points)
    centre = (SIDE - 1) / 2
    reach, most = (high - low) / 2, centre - 1
    fit = np.minimum(1, most / reach.max(axis=1, keepdims=True))
    room = most - fit * reach
    shift = np.clip(4 * u[:, 4:6] - 2, -room, room)
    points = (points - ((low + high) / 2)[:, None, None]) * fit[:, None, None]
    return points + (centre + shift)[:, None, None], 0.65 + 0.25 * u[:, 6]


def render(points: np.ndarray, count: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Images of strokes. A pixel is inked by how far the pen reaches over its centre, between half a pixel short and
    half a pixel beyond.

    **Arguments:**

    - `points`: control points, (n, 4, 3, 2), in pixels.
    - `count`: strokes of each, (n,).
    - `half`: half the pen's width, (n,), in pixels.

    **Returns:** uint8 (n, 28, 28), 255 = ink.
    """
    images = np.empty((len(points), SIDE, SIDE), np.uint8)
    for start in range(0, len(points), _CHUNK):
        rows = slice(start, start + _CHUNK)
        distance = np.sqrt(_squared_distances(points[rows], count[rows]))
        ink = np.clip(half[rows, None, None].astype(np.float32) + np.float32(0.5) - distance, 0, 1)
        images[rows] = np.rint(255 * ink)
    return images


def _stroke(octant: np.ndarray, u: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """One more stroke (n, 3, 2) for each of the characters with strokes `earlier` (n, k, 3, 2).

    It heads for about `octant` (n,), in eighths of a turn; `u` is (n, 10).
    """
    k = earlier.shape[1]
    reach = (0.5 + 0.6 * u[:, 1:2]) * (_COMPASS[octant] + 0.4 * (u[:, 2:4] - 0.5))
    if k == 0:
        start, end = -reach / 2, reach / 2
        smooth, tangent = np.zeros((len(u), 1), bool), reach
    else:
        way, last = u[:, 4:5], earlier[:, -1]
        tip = last[:, 2]
        host = earlier[np.arange(len(u)), (k * u[:, 5]).astype(int)]
        touched = _at(host, 0.15 + 0.7 * u[:, 6:7])
        beside = touched + 0.4 * _left(reach)
        ways = [way < 0.4, way < 0.6, way < 0.8, (way < 0.9) & (k > 1)]
        start = np.select(ways, [tip, touched, touched - 0.4 * reach, tip], beside - 0.4 * reach)
        ends = [_inwards(tip, reach), _inwards(touched, reach), touched + 0.4 * reach, earlier[:, 0, 0]]
        end = np.select(ways, ends, beside + 0.4 * reach)
        smooth, tangent = ways[0] & (u[:, 8:9] < 0.35), tip - last[:, 1]
    bent = (start + end) / 2 + _bend(u[:, 7:8]) * _left(end - start)
    return np.stack([start, np.where(smooth, start + 0.8 * tangent, bent), end], axis=1)


def _inwards(start: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """`start + reach`, mirrored in each coordinate in which that would go far out."""
    end = start + reach
    return np.where(np.abs(end) > 0.7, start - reach, end)


def _bend(u: np.ndarray) -> np.ndarray:
    """How far a stroke's middle control point lies beside its chord, as a part of the chord."""
    side = np.where(u < 0.5, -1.0, 1.0)
    v = np.abs(2 * u - 1)
    return side * np.where(v < 0.45, 0.15 * v, np.where(v < 0.8, 0.2 + (v - 0.45), 0.6 + 2.5 * (v - 0.8)))


def _left(vectors: np.ndarray) -> np.ndarray:
    """The vectors (n, 2) turned by a right angle."""
    return np.stack([-vectors[:, 1], vectors[:, 0]], axis=1)


def _at(strokes: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The points (..., 2) of quadratic strokes (..., 3, 2) at `t` (..., 1) from 0 to 1."""
    a, b, c = strokes[..., 0, :], strokes[..., 1, :], strokes[..., 2, :]
    s = 1 - t
    return s * s * a + 2 * s * t * b + t * t * c


def _without_spare(strokes: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The strokes with those beyond the count replaced by the first one."""
    spare = np.arange(_STROKES) >= count[:, None]
    return np.where(spare[:, :, None, None], strokes[:, :1], strokes)


def _bounds(strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest coordinates (n, 2) on the strokes of each character."""
    points = np.stack([_at(strokes, np.full(1, i / 8)) for i in range(9)])
    return points.min(axis=(0, 2)), points.max(axis=(0, 2))


def _squared_distances(points: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Squared distance float32 (n, 28, 28) of each pixel centre from the strokes; some are 100 for over 4."""
    side = SIDE + 2 * _PAD
    canvas = np.full((len(points), side, side), 100, np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(canvas, (_WINDOW, _WINDOW), axis=(1, 2), writeable=True)  # type: ignore[call-overload]
    offsets = np.arange(_WINDOW, dtype=np.float32) - np.float32(_WINDOW // 2 - 1)
    for k in range(_STROKES):
        rows = np.flatnonzero(count > k)
        for i in range(_SAMPLES):
            at = np.clip(_at(points[rows, k], np.full(1, i / (_SAMPLES - 1))), -1, SIDE)
            pixel = np.floor(at).astype(int)
            squares = (offsets - (at - pixel).astype(np.float32)[:, :, None]) ** 2
            near = squares[:, 1, :, None] + squares[:, 0, None, :]
            corner = pixel + (_PAD - (_WINDOW // 2 - 1))
            where = rows, corner[:, 1], corner[:, 0]
            windows[where] = np.minimum(windows[where], near)
    return canvas[:, _PAD:-_PAD, _PAD:-_PAD]
