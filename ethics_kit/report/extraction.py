"""The strings of the reports, gathered for translators: ``python -m ethics_kit.report.extraction [LANGUAGE …]``.

It writes ``locale/ethics_kit.pot`` and brings the catalogues of the languages up to date: those named, which are begun
where they are new, or else all that are there.
"""

from __future__ import annotations

import ast
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import get_args

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po

from ethics_kit import comparison, languages
from ethics_kit.framework import catalogue, glossary
from ethics_kit.framework.catalogue import KINDS
from ethics_kit.measures.impact import LEVELS
from ethics_kit.project import STAGES, TITLES, bundle, notebook_name, write_atomic
from ethics_kit.report import html
from ethics_kit.schema.review import Act, State

PACKAGE = Path(languages.__file__).parent
TEMPLATE = languages.LOCALE / f"{languages.DOMAIN}.pot"
PAGES = {"_": None, "gettext": None, "ngettext": (1, 2)}
UNTOLD = tuple(
    f'"{name}:'
    for name in (
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Report-Msgid-Bugs-To",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
        "Project-Id-Version",
    )
)
"""Lines of a catalogue's head that change with the day or hold a name."""
HEAD = "# The strings of Ethics Kit's reports; docs/translate.md says how to translate them."
OPTIONS = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}

Message = str | tuple[str, str]


def extracted() -> Catalog:
    """Every string of the reports in English, with the file it comes from."""
    found = Catalog(domain=languages.DOMAIN, header_comment=HEAD, fuzzy=False)
    for source, messages in (*_pages(), *_phrases(), *_words(), *_framework(), *_stages(), *_prose()):
        for message in messages:
            found.add(message, locations=[(source, 0)])
    return found


def _pages() -> Iterator[tuple[str, list[Message]]]:
    """What templates pass to ``_`` and ``ngettext``, and their ``trans`` blocks."""
    for path in sorted(html.TEMPLATES.rglob("*.html.j2")):
        with path.open("rb") as file:
            found = extract("jinja2.ext:babel_extract", file, keywords=PAGES, options=OPTIONS)
            yield _relative(path), [_plain(message) for _, message, _, _ in found]


def _plain(message: str | tuple[str, ...]) -> Message:
    return message if isinstance(message, str) else (message[0], message[1])


def _phrases() -> Iterator[tuple[str, list[Message]]]:
    """The texts of each `languages.Phrase` in the code."""
    for path in sorted(PACKAGE.rglob("*.py")):
        calls = [n for n in ast.walk(_tree(path)) if isinstance(n, ast.Call) and _name(n.func) == "Phrase"]
        texts = [tuple(text for argument in call.args for text in _constants(argument)) for call in calls]
        yield _relative(path), [_plain(t) if len(t) > 1 else t[0] for t in texts if t]


def _words() -> Iterator[tuple[str, Iterable[str]]]:
    """Words for values: those of every dictionary of the reports whose name ends in WORDS, and some others."""
    modules = ("record.py", "recommendation.py", "comparison.py", "report/**/*.py")
    for path in sorted(found for pattern in modules for found in PACKAGE.glob(pattern)):
        yield _relative(path), [text for words in _dictionaries(_tree(path)) for text in words]
    within = [
        *TITLES.values(),
        *html.VERDICT_WORDS.values(),
        *html.STATUS_WORDS.values(),
        *comparison.KIND_WORDS.values(),
    ]
    yield "ethics_kit/project.py", [*TITLES.values(), *(title.lower() for title in within), "yes", "no"]
    yield (
        "ethics_kit/schema/review.py",
        [*get_args(Act), *get_args(State), "unreadable", "run", "signed", "self-declared"],
    )
    yield "ethics_kit/record.py", ["required", "informative", "excluded"]


DICTIONARIES = ("WORDS", "FRAMES", "STATUSES", "STAGES", "EFFORTS", "CAUTIONS")


def _dictionaries(tree: ast.AST) -> Iterator[list[str]]:
    """The values of a module's dictionaries of words."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Dict):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(_name(target).endswith(DICTIONARIES) for target in targets):
            yield [text for value in node.value.values for text in _constants(value)]


def _framework() -> Iterator[tuple[str, Iterable[str]]]:
    """What the framework's files hold that a report shows, and the sentences that have a level or a kind in them."""
    folder = "ethics_kit/framework/"
    yield folder + "requirements.yaml", [r.title for r in catalogue.requirements().values()]
    duties = [duties.model_dump() for duties in catalogue.levels().values()]
    values = [v for d in duties for v in d.values() if isinstance(v, str)]
    roles = [", ".join(d["signoff"]).replace("_", " ") for d in duties]
    names = [name.replace("_", " ") for name in (*duties[0], *catalogue.signoff_roles())]
    yield folder + "levels.yaml", [*names, *values, *roles]
    conditions = [f"does not hold: {c.text}" for c in catalogue.conditions().values()]
    reasons = [o.reason for o in catalogue.obligations().values()]
    levels = [text.format(level) for text in ("required from level {}", "asked from level {}") for level in LEVELS[1:]]
    kinds = [*KINDS, *(f"not asked of a {kind} system" for kind in KINDS)]
    several = [c for size in range(1, len(KINDS)) for c in combinations(KINDS, size)]
    asked = {q.kinds for stage in STAGES for q in catalogue.questions(stage).values()}
    kinds += [f"asked of {' and '.join(some)} systems" for some in several if some in asked]
    yield folder + "obligations.yaml", [*reasons, *conditions, *levels, *kinds]
    for stage in STAGES:
        texts = []
        for section in catalogue.sections(stage):
            texts += [section.title, section.intro]
            texts += [t for q in section.questions for t in (q.text, *(option.label for option in q.options))]
        yield f"{folder}questionnaires/{stage}.yaml", texts
    yield folder + "glossary.yaml", [t for term in glossary.glossary() for t in (term.term, term.meaning)]
    yield folder + "registers.yaml", [register.title for register in catalogue.registers()]
    for table in catalogue.tables().values():
        yield folder + "tables.yaml", [table.about, *(role.about for role in table.roles.values())]


def _stages() -> Iterator[tuple[str, Iterable[str]]]:
    """The titles of steps and, where they are written out, titles and columns of their tables and units of findings."""
    for stage in STAGES:
        steps = import_module(f"ethics_kit.stages.{stage}").STEPS
        yield f"ethics_kit/stages/{stage}", [step.__doc__.strip().splitlines()[0] for step in steps if step.__doc__]
    doubts = ["not asked yet", "not answered", "answered with a placeholder", "does not arise from the answers given"]
    doubts += ["answered, but without the name, role and date of who answered"]
    yield "ethics_kit/stages/case.py", [*doubts, "answered, but without the evidence it needs"]
    for path in (*sorted((PACKAGE / "stages").rglob("*.py")), PACKAGE / "report/card.py"):
        yield _relative(path), [text for node in _told(_tree(path)) for text in _constants(node)]


def _told(tree: ast.AST) -> Iterator[ast.AST]:
    """What ``title``, ``columns`` and ``unit`` are, whether they are passed on at once or named first."""
    for node in ast.walk(tree):
        names = {node.arg} if isinstance(node, ast.keyword) else set()
        if isinstance(node, ast.Assign):
            names = {_name(target).lower() for target in node.targets}
        if names & {"title", "columns", "unit"} and isinstance(node, ast.keyword | ast.Assign):
            yield node.value


def _constants(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and node.value.strip() else []
    parts: Sequence[ast.AST] = ()
    if isinstance(node, ast.List | ast.Tuple):
        parts = node.elts
    elif isinstance(node, ast.IfExp):
        parts = (node.body, node.orelse)
    elif isinstance(node, ast.Starred):
        parts = (node.value,)
    return [text for part in parts for text in _constants(part)]


def _prose() -> Iterator[tuple[str, list[str]]]:
    """The prose of the notebooks, without that of the workbook's forms."""
    for stage in STAGES:
        path = bundle() / "notebooks" / notebook_name(stage)
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        told = [c for c in cells if c["cell_type"] == "markdown" and "form" not in c["metadata"].get("tags", [])]
        yield f"notebooks/{path.name}", ["".join(cell["source"]).strip() for cell in told]


def _tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _relative(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


def written(catalog: Catalog) -> bytes:
    """A catalogue as a file without anything that changes from one writing to the next."""
    file = io.BytesIO()
    write_po(file, catalog, width=120, include_lineno=False, ignore_obsolete=True)
    lines = file.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(UNTOLD)).encode()


def main(chosen: Sequence[str]) -> None:
    """Write the template, and bring the catalogues of the `chosen` languages up to date, else all."""
    template = extracted()
    write_atomic(TEMPLATE, written(template))
    for code in chosen or languages.available()[1:]:
        path = languages.catalogue_file(code)
        own = (
            languages.read_catalogue(path) if path.is_file() else Catalog(locale=code, header_comment=HEAD, fuzzy=False)
        )
        own.update(template, no_fuzzy_matching=True, update_header_comment=False, keep_user_comments=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, written(own))
        left = sum(not m.string or not all(m.string) for m in own if m.id)
        print(f"{code}: {left} of {len(own)} strings are not translated")


if __name__ == "__main__":
    main(sys.argv[1:])
