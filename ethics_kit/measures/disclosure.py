"""Which counts to withhold so that no small one can be told, nor found by subtraction from what is shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def withheld(sizes: Sequence[float], small: int, also: Collection[int] = ()) -> set[int]:
    """The places of the counts to withhold: those under `small`, and the next smallest for as long as a small one
    would follow from the others and their total. The places of `also` are withheld anyway.

    One that is alone follows by subtraction; so does that several, together under `small`, are few. A count of 0 is
    of nobody and is shown (complementary suppression: Willenborg and de Waal 2001, Elements of Statistical Disclosure
    Control, ch. 6).
    """
    hidden = {place for place, n in enumerate(sizes) if 0 < n < small or (n and place in also)}
    others = sorted((n, place) for place, n in enumerate(sizes) if n >= small and place not in hidden)
    while hidden and others and (len(hidden) < 2 or sum(sizes[place] for place in hidden) < small):
        hidden.add(others.pop(0)[1])
    return hidden


def withheld_crossed(cells: Sequence[tuple[str, ...]], sizes: Sequence[float], small: int) -> set[int]:
    """As `withheld`, of combinations of values whose totals over any one part are known: no line of them, along which
    one part alone varies, lets a small cell follow. A line with one cell that is not empty gives that cell away with
    its total, whatever else is withheld.
    """
    lines: dict[tuple[int, tuple[str, ...]], list[int]] = {}
    for place, cell in enumerate(cells):
        for part in range(len(cell)):
            lines.setdefault((part, cell[:part] + cell[part + 1 :]), []).append(place)
    hidden, before = withheld(sizes, small), -1
    while len(hidden) > before:
        before = len(hidden)
        for places in lines.values():
            own = withheld([sizes[p] for p in places], small, [i for i, p in enumerate(places) if p in hidden])
            hidden |= {places[i] for i in own}
    return hidden
