"""Impact level after the Canadian Algorithmic Impact Assessment (canada-ca/aia-eia-js, ``src/store.ts``, v1.0.1)."""

from __future__ import annotations

from typing import Literal

Level = Literal["I", "II", "III", "IV"]
LEVELS: tuple[Level, ...] = ("I", "II", "III", "IV")


def total_points(*, raw: int, mitigation: int, max_mitigation: int) -> int:
    """Raw impact points, less 15% (rounded half up) where mitigation reaches 80% of its maximum."""
    if 10 * mitigation >= 8 * max_mitigation > 0:
        return (85 * raw + 50) // 100
    return raw


def impact_level(points: int, max_raw: int) -> Level:
    """Level I up to and including 25% of the maximum, II 50%, III 75%, IV above; compared in points."""
    for level, quarters in (("I", 1), ("II", 2), ("III", 3)):
        if 4 * points <= quarters * max_raw:
            return level  # type: ignore[return-value]
    return "IV"


def higher(first: Level, second: Level) -> Level:
    """The higher of two levels."""
    return max(first, second, key=LEVELS.index)
