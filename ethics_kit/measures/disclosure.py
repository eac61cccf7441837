"""Which counts to withhold so that no small one can be told, nor found by subtraction from what is shown."""

from __future__ import annotations

from collections.abc import Sequence


def withheld(sizes: Sequence[float], small: int) -> set[int]:
    """The places of the counts to withhold: those under `small`, and the next smallest for as long as a small one
    would follow from the others and their total.

    One that is alone follows by subtraction; so does that several, together under `small`, are few. A count of 0 is
    of nobody and is shown (complementary suppression: Willenborg and de Waal 2001, Elements of Statistical Disclosure
    Control, ch. 6).
    """
    hidden = {place for place, n in enumerate(sizes) if 0 < n < small}
    others = sorted((n, place) for place, n in enumerate(sizes) if n >= small)
    while hidden and others and (len(hidden) < 2 or sum(sizes[place] for place in hidden) < small):
        hidden.add(others.pop(0)[1])
    return hidden
