"""Figures with a message: each carries its conclusion as caption and alt text, and the same bytes on every run."""

from __future__ import annotations

from ethics_kit.report.figures.autonomy import still_decided
from ethics_kit.report.figures.classes import class_sizes
from ethics_kit.report.figures.completion import completion_curve
from ethics_kit.report.figures.drawing import Figure, _canvas, _finish, _plain, _rectangle
from ethics_kit.report.figures.explanations import proxies, rank_intervals
from ethics_kit.report.figures.flow import Flow, data_flow
from ethics_kit.report.figures.gaps import forest, frontier, heat_map, reliability
from ethics_kit.report.figures.monitoring import Panel, small_multiples
from ethics_kit.report.figures.overtime import Lines, shares_over_time
from ethics_kit.report.figures.representation import dumbbell
from ethics_kit.report.figures.risks import AreaPoints, points_by_area, risk_matrix
from ethics_kit.report.figures.rollout import rollout_looks

__all__ = [
    "AreaPoints",
    "Figure",
    "Flow",
    "Lines",
    "Panel",
    "_canvas",
    "_finish",
    "_plain",
    "_rectangle",
    "class_sizes",
    "completion_curve",
    "data_flow",
    "dumbbell",
    "forest",
    "frontier",
    "heat_map",
    "points_by_area",
    "proxies",
    "rank_intervals",
    "reliability",
    "risk_matrix",
    "rollout_looks",
    "shares_over_time",
    "small_multiples",
    "still_decided",
]
