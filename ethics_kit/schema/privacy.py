"""bias_testing.yaml: the privacy impact assessment, from what could happen to people to what remains."""

from __future__ import annotations

from ethics_kit.schema.fields import Day, Line, Model, RequirementId, Text
from ethics_kit.schema.registers import Rating


class PrivacyRisk(Model):
    """Something that could happen to people, what is done about it, and what remains.

    `draws_on` names the requirements whose measured findings speak of it; `in_place` is the day from which every
    measure was in place.
    """

    risk: Text
    draws_on: list[RequirementId] = []
    inherent: Rating | None = None
    measures: list[Text] = []
    in_place: Day | None = None
    residual: Rating | None = None
    owner: Line | None = None


class PrivacyAssessment(Model):
    """A data protection impact assessment after GDPR Art. 35(7), and who keeps it.

    `necessity` says why the processing is needed and no more than that; `advice` is the data protection officer's
    (Art. 35(2)); `views` are those of the people affected, or why they were not sought (Art. 35(9));
    `authority_consulted` is the day of a prior consultation (Art. 36).
    """

    necessity: Text | None = None
    advice: Text | None = None
    advised_by: Line | None = None
    views: Text | None = None
    authority_consulted: Day | None = None
    risks: list[PrivacyRisk] = []
    by: Line
    on: Day
