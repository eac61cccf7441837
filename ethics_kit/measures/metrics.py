"""Rates as shares of counted rows: which rows are looked at, and which of them count.

A row has flags, each yes, no or not known. A metric's `bottom` says which rows are looked at, its `top` which of those
count; a flag's condition is True, False, or None for *known, either way*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A rate: the rows that meet `top` among those that meet `bottom`."""

    name: str
    label: str
    top: Mapping[str, bool]
    bottom: Mapping[str, bool | None]

    @property
    def flags(self) -> frozenset[str]:
        """The flags that have to be there."""
        return frozenset({*self.top, *self.bottom})


def _named(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


ROWS = Metric("rows", "rows", {}, {})
"""Every row: its denominator is the size of a group."""

SELECTION = _named(Metric("selection_rate", "selection rate", {"selected": True}, {"selected": None}))
"""What can be told of decisions alone."""

ERRORS = _named(
    Metric("true_positive_rate", "recall (true positive rate)", {"selected": True}, {"positive": True}),
    Metric("false_positive_rate", "false positive rate", {"selected": True}, {"positive": False}),
    Metric("true_negative_rate", "true negative rate", {"selected": False}, {"positive": False}),
    Metric("false_negative_rate", "false negative rate", {"selected": False}, {"positive": True}),
    Metric(
        "positive_predictive_value",
        "precision (positive predictive value)",
        {"positive": True},
        {"selected": True, "positive": None},
    ),
    Metric(
        "negative_predictive_value",
        "negative predictive value",
        {"positive": False},
        {"selected": False, "positive": None},
    ),
    Metric("accuracy", "accuracy", {"correct": True}, {"correct": None}),
    Metric("base_rate", "base rate (share of positive outcomes)", {"positive": True}, {"positive": None}),
)
"""What needs outcomes. `correct` is whether decision and outcome agree."""

BINARY = SELECTION | ERRORS

ORDER = _named(
    Metric("placed_lower", "share placed lower than deserved", {"placed_lower": True}, {"placed_lower": None})
)
"""Where classes have an order: of those who deserved any but the last, who was served later than that."""

TAKEN = _named(Metric("action_rate", "rate of the action taken", {"taken": True}, {"taken": None}))
"""What was done in the end, whatever was recommended."""

RESULTS = _named(
    Metric("resolved", "share resolved", {"resolved": True}, {"resolved": None}),
    Metric("retained", "share retained", {"retained": True}, {"retained": None}),
    Metric("received", "share who received what was decided", {"received": True}, {"received": None}),
)
"""What happened afterwards, to be compared among people treated alike."""

CONVERSATIONS = _named(
    Metric("resolved", "share resolved", {"resolved": True}, {"resolved": None}),
    Metric("reopened", "share reopened, of those resolved", {"reopened": True}, {"resolved": True, "reopened": None}),
    Metric("refused", "share refused", {"refused": True}, {"refused": None}),
    # Asked, and nothing logged of an answer: not granted.
    Metric("handover_granted", "share granted a person, of those who asked", {"granted": True}, {"asked": True}),
    Metric("grounded", "share grounded, of those a person checked", {"grounded": True}, {"grounded": None}),
)
"""What a generative assistant is judged by."""

PREDICTING = ("true_positive_rate", "positive_predictive_value", "accuracy")
ANSWERING = ("resolved", "grounded")
"""The rates that say how well a system does, of decisions and of conversations: more is better."""

COMPLEMENTS = {"true_negative_rate": "false_positive_rate", "false_negative_rate": "true_positive_rate"}
"""Rates that add up to 1 with another: their gap is the other's, with the opposite sign."""
