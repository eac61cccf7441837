"""S2.3: what the customer, the agent and the auditor each get to see, beside what the impact level asks for."""

from __future__ import annotations

from ethics_kit.framework import catalogue
from ethics_kit.framework.catalogue import Question
from ethics_kit.record import Table
from ethics_kit.stages.case import Case, Outcome

VIEWS = {
    "customer": ("customer_sees", "explanation_published", "explanation_on_request", "explanation_with_decision"),
    "agent": ("agent_sees", "agent_sees_reasons"),
    "auditor": ("auditor_sees", "decision_rebuilt"),
}
"""The questions on what each gets to see; those of a higher impact level are not asked below it."""


def transparency_views(case: Case) -> Outcome:
    """S2.3: what the customer, the agent and the auditor get to see, and what the impact level asks for."""
    questions = catalogue.questions(case.stage)
    level = case.level.holds
    table = Table(
        id="S2.3.views",
        title="Who gets to see what",
        requirement="S2.3",
        columns=["who", "what", "asked from level", "answer", "said by", "counts"],
        rows=[_row(case, who, questions[name]) for who, names in VIEWS.items() for name in names],
        note=f"Level {level} asks for an explanation that is {catalogue.levels()[level].explanation}.",
    )
    return Outcome((), (table,))


def _row(case: Case, who: str, question: Question) -> list[str | int | float | None]:
    given, skipped = case.given.get(question.id), case.skipped(question)
    answer = given.answer if given and given.answer.given else None
    said = next((c.label for c in question.options if answer and c.value == answer.value), answer and str(answer.value))
    by = f"{answer.by}, {answer.on}" if answer and answer.by else None
    counts = f"no: {skipped}" if skipped else f"no: {doubt}" if (doubt := case.doubt(question)) else "yes"
    return [who, question.text, question.from_level, said or None, by, counts]
