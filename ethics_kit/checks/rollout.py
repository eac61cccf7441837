"""Problems in the plan of a rollout: steps and guardrails that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ethics_kit import schema
from ethics_kit.checks.answers import evidence_problems
from ethics_kit.errors import Problem

if TYPE_CHECKING:
    from ethics_kit.dossier import Dossier
    from ethics_kit.yamlfile import YamlFile


def problems(dossier: Dossier) -> list[Problem]:
    """Steps out of order, a guardrail named twice, nothing to compare with, decisions without minutes."""
    plan = dossier.stage(schema.DeploymentSignoff).rollout
    if plan is None:
        return []
    file = dossier.files["deployment_signoff"]
    return [*_order_problems(file, plan), *_repeated_problems(file, plan), *_step_problems(dossier, file, plan)]


def _order_problems(file: YamlFile, plan: schema.RolloutPlan) -> Iterator[Problem]:
    for index, step in enumerate(plan.steps):
        if step.step != index + 1:
            yield file.problem(
                ("rollout", "steps", index, "step"),
                found=f"step {step.step}",
                allowed=f"step {index + 1}: numbers from 1 without a gap, in this order",
                todo="number the steps as they follow each other",
            )
    for index, (earlier, later) in enumerate(pairwise(plan.steps), start=1):
        if later.starts <= earlier.starts:
            yield file.problem(
                ("rollout", "steps", index, "starts"),
                found=f"{later.starts}, not after the step before",
                allowed=f"a day after {earlier.starts}",
                todo="correct one of the two days",
            )


def _repeated_problems(file: YamlFile, plan: schema.RolloutPlan) -> Iterator[Problem]:
    named: dict[str, Sequence[str]] = {"guardrails": [g.metric for g in plan.guardrails], "groups": plan.groups}
    for part, names in named.items():
        for index, name in enumerate(names):
            if name in names[:index]:
                yield file.problem(
                    ("rollout", part, index),
                    found=f"{name} a second time",
                    allowed="each once",
                    todo="remove one of the two",
                )


def _step_problems(dossier: Dossier, file: YamlFile, plan: schema.RolloutPlan) -> Iterator[Problem]:
    compared = all(g.baseline is not None for g in plan.guardrails)
    for index, step in enumerate(plan.steps):
        if step.control is None and not compared:
            yield file.problem(
                ("rollout", "steps", index),
                found="no control group, and guardrails without an agreed rate",
                allowed="control, or a baseline for each guardrail",
                todo="plan a control group, or agree on the rate to compare with",
            )
        yield from evidence_problems(file, ("rollout", "steps", index, "minute"), step.minute, dossier.folder)
        said = [step.decided_by, step.decided_on, step.minute]
        if any(said) and not all(said):
            yield file.problem(
                ("rollout", "steps", index),
                found="a decision that is half on file",
                allowed="decided_by, decided_on and minute together, or none of them",
                todo="add who decided, when, and where the minute is",
            )
