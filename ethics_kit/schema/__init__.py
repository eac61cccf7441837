"""The YAML files a person writes, as models: policy, organisation, system and the four stages' answers."""

from __future__ import annotations

from ethics_kit.schema.answers import (
    Answer,
    BiasTesting,
    DeploymentSignoff,
    DesignReview,
    FairnessConstraint,
    ImpactAnalysis,
    NotApplicable,
    StageAnswers,
    Waiver,
)
from ethics_kit.schema.design import Inventory, Notices, NoticeText
from ethics_kit.schema.extracts import Extract, Population
from ethics_kit.schema.fields import Model, placeholder, same_person
from ethics_kit.schema.policy import Policy, Verdict
from ethics_kit.schema.registers import Consultation, Rating, RegisteredRisk, Stakeholder
from ethics_kit.schema.signers import Keys, Signer, public_key
from ethics_kit.schema.system import Attribute, LawfulBasis, Organisation, System
from ethics_kit.schema.tables import TableSpec

STAGE_FILES: dict[str, type[StageAnswers]] = {
    "impact_analysis": ImpactAnalysis,
    "design_review": DesignReview,
    "bias_testing": BiasTesting,
    "deployment_signoff": DeploymentSignoff,
}
FILES: dict[str, type[Model]] = {
    "policy": Policy,
    "organisation": Organisation,
    "system": System,
    **STAGE_FILES,
}

__all__ = [
    "FILES",
    "STAGE_FILES",
    "Answer",
    "Attribute",
    "BiasTesting",
    "Consultation",
    "DeploymentSignoff",
    "DesignReview",
    "Extract",
    "FairnessConstraint",
    "ImpactAnalysis",
    "Inventory",
    "Keys",
    "LawfulBasis",
    "Model",
    "NotApplicable",
    "NoticeText",
    "Notices",
    "Organisation",
    "Policy",
    "Population",
    "Rating",
    "RegisteredRisk",
    "Signer",
    "StageAnswers",
    "Stakeholder",
    "System",
    "TableSpec",
    "Verdict",
    "Waiver",
    "placeholder",
    "public_key",
    "same_person",
]
