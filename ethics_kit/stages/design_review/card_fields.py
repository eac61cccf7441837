"""The fields of a model card: which are owed of which kind of system, and where what they say comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ethics_kit import schema
from ethics_kit.framework.catalogue import KINDS, Kind
from ethics_kit.schema.oversight import ModelCard
from ethics_kit.stages.case import Case

PREDICTS: tuple[Kind, ...] = ("scored", "ranked", "rules")
LEARNS: tuple[Kind, ...] = ("scored", "ranked", "generative")


@dataclass(frozen=True)
class Field:
    """One field of the card: its section, what it is called, what it says, and of which kinds of system it is owed.

    One that is not `owed` stands in the card where there is something to say.
    """

    section: str
    name: str
    says: Callable[[Case], str | None]
    kinds: tuple[Kind, ...] = KINDS
    owed: bool = True


def stated(text: str | None) -> str | None:
    """A text, where it is one and does not only hold the place of one."""
    return text if text and not schema.placeholder(text) else None


def _joined(texts: list[str]) -> str | None:
    return "; ".join(t.rstrip(".") for t in texts if stated(t)) or None


def _review(case: Case) -> schema.DesignReview:
    return case.dossier.stage(schema.DesignReview)


def own_part(case: Case) -> ModelCard | None:
    """What the dossier says for the card alone, once it has been said."""
    own = _review(case).model_card
    return own if own and own.on <= case.as_of else None


def _said(part: str) -> Callable[[Case], str | None]:
    """A text of the card's own; where there is none, a supplier's refusal is a statement too."""

    def says(case: Case) -> str | None:
        own, supplier = own_part(case), case.dossier.system.supplier
        if text := stated(getattr(own, part) if own else None):
            return text
        refused = [
            f"Not known: {supplier.name} was asked for “{r.what}” on {r.asked_on} and refused on {r.answered_on}"
            for r in (supplier.requests if supplier else ())
            if supplier and r.about == part and r.answer == "refused" and r.answered_on and r.answered_on <= case.as_of
        ]
        return refused[-1] if refused else None

    return says


def _made_by(case: Case) -> str | None:
    supplier = case.dossier.system.supplier
    return f"{supplier.name}, for {case.dossier.organisation.name}" if supplier else case.dossier.organisation.name


def _owner(case: Case) -> str | None:
    owner = case.dossier.system.owner
    return ", ".join(t for t in (owner.name, owner.role, owner.contact) if t) if owner else None


def _version(case: Case) -> str | None:
    model = case.dossier.system.model
    return f"{model.label}, released {model.released}" if model.version and model.released else model.label


def _groups(case: Case) -> str | None:
    held = [f"{name} ({a.class_})" for name, a, _ in case.dossier.held_attributes()]
    declared = case.dossier.system.attributes.items()
    unheld = [f"{n} is not held ({a.not_held.unknown})" for n, a in declared if a.not_held]
    return _joined([f"By {', '.join(held)}", *unheld]) if held else None


def _metrics(case: Case) -> str | None:
    policy = case.dossier.policy.fairness
    rates = "shares resolved, refused and handed over"
    if case.dossier.system.kind != "generative":
        rates = ", ".join(m.replace("_", " ") for m in policy.metrics.value)
    return f"By group: {rates}; a gap counts from {policy.margin.value * 100:g} points"


def _selection(case: Case) -> str | None:
    system = case.dossier.system
    if system.selection_is is None:
        return None
    values = ", ".join(system.decision.selected) or "yes"
    capacity = f"; at most {system.decision.capacity:,} can be served" if system.decision.capacity else ""
    means = {"benefit": "a benefit", "burden": "a burden", "mixed": "a mixed matter"}[system.selection_is]
    return f"Being selected ({values}) is {means} for the customer{capacity}"


def _constraint(case: Case) -> str | None:
    chosen = _review(case).constraint
    if chosen is None or chosen.on > case.as_of:
        return None
    return f"{chosen.metric.replace('_', ' ')} by {', '.join(chosen.attributes)}: {chosen.reason}"


def _level(case: Case) -> str | None:
    record = case.earlier("impact_analysis")
    if record is None:
        return None
    return f"Impact level {record.level.value} (impact analysis as of {record.as_of}, {record.recommendation.verdict})"


def _risks(case: Case) -> str | None:
    rated = [r for r in case.dossier.stage(schema.ImpactAnalysis).risks if r.residual]
    rated.sort(key=lambda r: (-(r.residual.score if r.residual else 0), r.id))
    return _joined([f"{r.id} {r.title} ({r.residual.score} of 25 left)" for r in rated[:3] if r.residual])


def _people(case: Case) -> str | None:
    groups = [s for s in case.dossier.stage(schema.ImpactAnalysis).stakeholders if not s.not_affected]
    return ", ".join(s.name + (" (vulnerable)" if s.vulnerable else "") for s in groups) or None


def _humans(case: Case) -> str | None:
    rows = [c for c in _review(case).checkpoints if c.on <= case.as_of]
    return _joined([f"{c.who}, {c.where} ({c.when.replace('_', ' ')})" for c in rows])


def _limits_text(case: Case) -> str | None:
    own = own_part(case)
    return _joined(own.limits) if own else None


def _rows(table: str) -> Callable[[Case], str | None]:
    """How much of a table there is."""

    def says(case: Case) -> str | None:
        if table not in case.dossier.located_tables:
            return None
        use = case.use(table)
        days = f", {use.first_day} to {use.last_day}" if use.first_day else ""
        return f"{use.counted:,} rows of {table.replace('_', ' ')}{days}"

    return says


SECTIONS = (
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
)
FIELDS = (
    Field("Model details", "Made by", _made_by),
    Field("Model details", "Version", _version),
    Field("Model details", "Type of model", _said("model_type")),
    Field("Model details", "Who answers for it", _owner),
    Field("Intended use", "Purpose", lambda case: stated(case.dossier.system.purpose)),
    Field("Intended use", "Intended use", lambda case: stated(case.dossier.system.intended_use)),
    Field("Intended use", "Users", _said("users")),
    Field("Intended use", "Out of scope", lambda case: _joined(case.dossier.system.out_of_scope)),
    Field("Factors", "Groups", _groups),
    Field("Metrics", "Measures", _metrics),
    Field("Metrics", "Selection", _selection, PREDICTS),
    Field("Metrics", "Fairness constraint", _constraint, PREDICTS),
    Field("Evaluation data", "Evaluation data", _said("evaluation_data")),
    Field("Evaluation data", "In use", lambda case: _rows(case.dossier.system.events)(case), owed=False),
    Field("Training data", "Training data", _said("training_data"), LEARNS),
    Field("Training data", "Sample kept", _rows("training_sample"), LEARNS, owed=False),
    Field("Ethical considerations", "Impact", _level),
    Field("Ethical considerations", "People affected", _people),
    Field("Ethical considerations", "Largest risks left", _risks),
    Field("Ethical considerations", "Where a person decides", _humans),
    Field("Caveats and recommendations", "Known limits", _limits_text),
    Field("Caveats and recommendations", "Advice to users", _said("advice")),
)
