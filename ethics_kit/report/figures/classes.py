"""Figure of an extract: how many people are in classes of each size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ethics_kit.report.figures.drawing import BLUE, RED, Figure, _canvas, _finish, _named

if TYPE_CHECKING:
    from ethics_kit.measures.anonymity import Sizes

ENDS = (1, 2, 5, 10, 20, 50, 100)


def class_sizes(name: str, sizes: Sizes, k: int) -> tuple[Figure, ...]:
    """People by how many look like them, themselves included; the bars under `k` are red and hatched."""
    if not sizes.n:
        return ()
    starts = sorted({1, k, *ENDS})
    bands = list(zip(starts, [*starts[1:], None], strict=True))
    people = [sum(s * c for s, c in sizes.counts if low <= s and (end is None or s < end)) for low, end in bands]
    labels = [f"{low}+" if end is None else f"{low}" if end - low == 1 else f"{low}–{end - 1}" for low, end in bands]
    canvas, axes = _canvas(6.6, 2.4)
    for place, ((low, _), count) in enumerate(zip(bands, people, strict=True)):
        under = low < k
        axes.bar(place, count, color=RED if under else BLUE, hatch="//" if under else None, width=0.8)
        axes.text(place, count, f"{count:,}", ha="center", va="bottom")
    _named(axes.xaxis, labels)
    axes.set_xlabel("people who look alike")
    axes.set_ylabel("people")
    caption = f"{name}: {sizes.below(k):,} of {sizes.n:,} people look like fewer than {k} (red, hatched)."
    told = "; ".join(f"{label}: {count:,}" for label, count in zip(labels, people, strict=True))
    return (_finish(canvas, caption, f"Bar chart of people by how many look alike. {caption} {told}"),)
