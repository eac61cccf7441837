"""What customers were told, agreed to and refused."""

from __future__ import annotations

import numpy as np

from ethics_kit.examples import drawing as draw
from ethics_kit.examples.drawing import DAY, HOUR, NEVER, PICKS, SECOND, Array, Facts, Frame
from ethics_kit.examples.events import People

OTHER_PURPOSE = "product_news"


def consents(people: People) -> Frame:
    """Consents with the planted faults, and close calls a second to either side of the event."""
    rng, time, own = people.rng, people.time, next(iter(people.facts["purposes"]))

    def block(rows: Array, given: Array, purpose: str = own, **ends: Array) -> Frame:
        empty = np.full(len(rows), NEVER)
        frame = {"customer": people.customer[rows], "purpose": draw.repeated(purpose, len(rows)), "given": given}
        return frame | {"withdrawn": empty, "expires": empty} | ends

    def ago(rows: Array, low: int = 70, high: int = 500) -> Array:
        return draw.moved(rng, time[rows], -high * DAY, -low * DAY)

    def ended(rows: Array) -> Array:
        """Some days before the event, for every other row in the very second of it: not in force in both."""
        return draw.where(np.arange(len(rows)) % 2 == 0, time[rows], ago(rows, 0, 60))

    plan: Facts = people.facts["consent"]
    if not plan:
        rows = rng.permutation(len(time))[: len(time) * 2 // 5]
        return draw.stack([block(rows, ago(rows), OTHER_PURPOSE)], "given")
    none, gone, over, wrong, rest = draw.parts(rng, np.flatnonzero(people.purpose == own), plan.values())
    same, until, lapses, renewed, plain = draw.parts(rng, rest, [200, 200, 200, 400])
    blocks = [
        block(plain, ago(plain)),
        block(same, time[same]),  # given in the very second: in force
        block(until, ago(until), withdrawn=time[until] + SECOND),
        block(lapses, ago(lapses), expires=time[lapses] + SECOND),
        block(renewed, ago(renewed, 300), withdrawn=ago(renewed, 100, 200)),
        block(renewed, ago(renewed, 10, 90)),
        block(plain[:1500], ago(plain[:1500]), OTHER_PURPOSE),
        block(gone, ago(gone), withdrawn=ended(gone)),
        block(gone[::3], ago(gone[::3]), OTHER_PURPOSE),
        block(over, ago(over), expires=ended(over)),
        block(wrong, ago(wrong), OTHER_PURPOSE),
        block(wrong[::2], time[wrong[::2]] + SECOND),  # for the right purpose, but a second late
        block(none[1::3], time[none[1::3]] + SECOND),
        block(none[::3], ago(none[::3]), OTHER_PURPOSE, withdrawn=ago(none[::3], 1, 60)),
    ]
    return draw.stack(blocks, "given")


def notices(people: People) -> Frame:
    """Half of those not told in time have no notice, the others a late one."""
    rng, time = people.rng, people.time
    missing, exact, told = draw.parts(rng, np.arange(len(time)), [people.facts["without_notice"], 150])
    rows = np.concatenate([told, exact, told[:300], missing[::2]])
    late = draw.where(np.arange(len(missing[::2])) % 2 == 0, 1, rng.integers(1, 5 * DAY, len(missing[::2])))
    again = draw.moved(rng, time[told[:300]], 1, 5 * DAY)
    shown = [draw.moved(rng, time[told], -200 * DAY, 0), time[exact], again, time[missing[::2]] + late.astype("m8[s]")]
    language = people.attributes["language"][rows]
    frame = {"customer": people.customer[rows], "time": np.concatenate(shown)}
    frame["channel"] = rng.choice(draw.objects(PICKS["channel"]), len(rows))
    return draw.stack(
        [frame | {"language": draw.where(np.array([v is None for v in language]), "en", language)}], "time"
    )


def opt_outs(people: People) -> Frame:
    """The planted ones, and others that must not count: in the same second, later, from another purpose."""
    rng, time, purpose = people.rng, people.time, people.purpose
    first = next(iter(people.facts["purposes"]))
    before, rest = draw.parts(rng, np.arange(len(time)), [people.facts["after_opt_out"]])
    same, later, other, _ = draw.parts(rng, rest, [25, 260, 40])
    moments = {
        "before": draw.where(
            np.arange(len(before)) % 3 == 0, time[before] - SECOND, draw.moved(rng, time[before], -90 * DAY, 0)
        ),
        "same": time[same],
        "later": draw.moved(rng, time[later], 1, 6 * DAY),
        "other": draw.moved(rng, time[other], -90 * DAY, 0),
    }
    of_all = draw.where(np.arange(len(before)) % 2 == 0, None, purpose[before])
    elsewhere = draw.where(purpose[other] == first, OTHER_PURPOSE, first)
    return draw.stack(
        [
            {
                "customer": people.customer[np.concatenate([before, same, later, other])],
                "time": np.concatenate(list(moments.values())),
                "purpose": np.concatenate([of_all, draw.repeated(None, len(same)), purpose[later], elsewhere]),
            }
        ],
        "time",
    )


def deletion_requests(people: People) -> Frame:
    """Who was deleted stands in no other table, apart from the planted ones; six requests are new and open."""
    rng, as_of, plan, new = people.rng, people.as_of, people.facts["deletion_requests"], 6
    gone = draw.objects(f"C{i}" for i in 600_000 + rng.permutation(90_000)[: plan["in_time"] + plan["late"]])
    gone[: plan["still_there"]] = people.undecided[: plan["still_there"]]
    kind = np.repeat(np.arange(4), [plan["in_time"], plan["late"], plan["overdue"], new])
    filed = draw.between(rng, "2026-01-05", "2026-05-30", len(kind))
    filed[kind == 3] = draw.between(rng, as_of - 20 * DAY * SECOND, as_of - 2 * DAY * SECOND, new)
    done = draw.where(kind == 0, draw.moved(rng, filed, 3 * DAY, 25 * DAY), draw.moved(rng, filed, 45 * DAY, 80 * DAY))
    extended = (kind == 0) & (np.arange(len(kind)) % 9 == 0)
    return {
        "customer": np.concatenate([gone, people.undecided[-plan["overdue"] - new :]]),
        "time": filed,
        "verified": draw.moved(rng, filed, HOUR, 2 * DAY),
        "extended_until": draw.where(extended, filed + 88 * DAY * SECOND, NEVER),
        "extended_on": draw.where(extended, filed + 20 * DAY * SECOND, NEVER),
        "completed": draw.where(kind < 2, done + extended * 30 * DAY * SECOND, NEVER),
    }
