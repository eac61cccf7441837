"""What would be wrong with a stage's file, were it on disk as a form wants to write it."""

from __future__ import annotations

from dataclasses import replace

from ethics_kit import checks, yamlfile
from ethics_kit.errors import Problem
from ethics_kit.schema import FILES, StageAnswers
from ethics_kit.stages.case import Case


def stage_problems(case: Case, file: yamlfile.YamlFile) -> list[Problem]:
    """What `ethics-kit check` would say about the stage's file."""
    dossier, stage = case.dossier, case.stage
    model, problems = yamlfile.validate(FILES[stage], file)
    if isinstance(model, StageAnswers):
        stages, files = {**dossier.stages, stage: model}, {**dossier.files, stage: file}
        changed = replace(dossier, stages=stages, files=files)
        for check in (checks.answers, checks.references, checks.design, checks.governance, checks.rollout):
            problems += check.problems(changed)
    return [p for p in problems if p.file == file.path]


def added_problems(case: Case, before: yamlfile.YamlFile, file: yamlfile.YamlFile) -> list[Problem]:
    """The problems that are not in the file yet, wherever rows that moved now stand."""
    old = [(p.found, p.allowed) for p in stage_problems(case, before)]
    return [p for p in stage_problems(case, file) if (p.found, p.allowed) not in old]
