"""A table of a stage's file, edited row by row: add, change, remove. A row that is not valid yet is kept aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import ipywidgets as widgets

from ethics_kit.errors import InputError
from ethics_kit.forms import controls
from ethics_kit.forms.choices import name_in, suggested
from ethics_kit.forms.disk import ChangedOnDisk, StageFile, now
from ethics_kit.forms.editing import Change
from ethics_kit.forms.editor import Editor
from ethics_kit.forms.foot import Foot, conflict, in_words
from ethics_kit.forms.problems import added_problems
from ethics_kit.forms.rowchanges import NotValid, adding, changing, differing, keeping, validated
from ethics_kit.forms.rowlist import chosen, count, draft_of, listed, prefilled, row_of, shown, typed_of
from ethics_kit.forms.unfinished import Draft, Values, as_text
from ethics_kit.record import Finding
from ethics_kit.registers import Field, Register, Row, rows

SIGNED = ("by", "role", "on")


class RegisterForm:
    """The rows as a table, and one of them in an editor. `findings` gives those that rows may refer to."""

    def __init__(self, register: Register, file: StageFile, findings: Callable[[], Sequence[Finding]]) -> None:
        self.register, self.file, self.findings = register, file, findings
        self.id, self.version = form_id(register), file.version
        self.row: Row | None = None
        self.draft: Draft | None = None
        self._opening = False
        self.shown, self.said = widgets.HTML(), widgets.HTML()
        self.chooser = controls.choice("Row", register.title, None, ())
        self.editor, self.foot, self.heard = Editor(register, self._changed), Foot(file), controls.Heard()
        self.heard.follow(self.editor.controls.values())
        self.chooser.observe(lambda _: self._choose(), names="value")
        self.add_button, self.remove_button = (
            controls.button("Add a row", self.new),
            controls.button("Remove this row", self.remove),
        )
        self.save_button = controls.button("Try to save again", self.save)
        self.load_button = controls.button("Load their version", file.load_theirs)
        self.edited = widgets.VBox([])
        self.edited.add_class("question")
        heading = widgets.HTML(f"{controls.STYLE}<h3>{escape(register.title)}</h3><p>{escape(register.intro)}</p>")
        signature = file.signature
        self.box = widgets.VBox(
            [heading, signature.by, signature.role, self.shown, self.edited, self.foot.box, self.heard]
        )
        self.box.add_class("ethics-kit")
        self._open_first()
        self.refresh()

    # --- which row is in the editor ----------------------------------------------------------------------------

    @property
    def rows(self) -> list[Row]:
        return rows(self.register, self.file.data)

    @property
    def drafts(self) -> list[Draft]:
        return self.file.unfinished.rows(self.register.id)

    def _open_first(self) -> None:
        """What is unfinished comes first, so that it is not forgotten; of a single row, that row."""
        drafts = self.drafts
        if drafts:
            self._open(row_of(drafts[0], self.rows), drafts[0])
        else:
            self._open(self.rows[0] if self.register.single and self.rows else None)

    def _open(self, row: Row | None, draft: Draft | None = None) -> None:
        """Put a row, what is unfinished of it, or an empty one into the editor."""
        self.row, self.draft = row, draft or draft_of(row, self.drafts)
        self.editor.offer(self.file.case, self.file.data, self.findings(), fixed=row is not None)
        self.editor.put(self.draft.values if self.draft else typed_of(self.register, row) if row else self._prefilled())
        self._say(self._standing())

    def _prefilled(self) -> Values:
        return prefilled(self.register, self.file.signature)

    def _choose(self) -> None:
        """Open the row that the list of rows names."""
        if self._opening:
            return
        self.file.flush(self.id)
        kind, _, number = str(self.chooser.value).partition(" ")
        if kind == "row":
            self._open(self.rows[int(number)])
        elif kind == "draft":
            self._open(None, self.drafts[int(number)])
        else:
            self._open(None)
        self.refresh()

    def new(self) -> None:
        """Empty the editor for one more row; what was in it is saved, or kept aside."""
        self.file.flush(self.id)
        self._open(None)
        self.refresh()

    # --- what is shown -----------------------------------------------------------------------------------------

    def _name(self, values: Values) -> str:
        return name_in(self.register, self.file.data, values)

    def _standing(self) -> str:
        if self.draft:
            return "Not saved in the table yet. It is kept beside the workbook, and comes back with this form."
        return f"In the table: {self._name(self.row.values).rstrip('.')}." if self.row else "Nothing typed yet."

    def _say(self, words: str, *, conflict: bool = False) -> None:
        self.said.value = controls.said(words)
        more = [self.load_button] if conflict else [self.save_button] if self.draft else []
        above = [] if self.register.single else [self.chooser, self.add_button]
        self.edited.children = [*above, self.editor.box, self.said, *more, self.remove_button]

    def refresh(self) -> None:
        """Show the table, the list of rows, and how many there are."""
        if self.row and as_text(self.row.raw) not in [as_text(row.raw) for row in self.rows]:
            self._open(None, self.draft)
        self.editor.offer(self.file.case, self.file.data, self.findings(), fixed=self.row is not None)
        self.shown.value = shown(self.register, self.file.data)
        self._list()
        self.foot.say(f"{count(self.rows, self.drafts)}.")

    def _list(self) -> None:
        options = listed(self.rows, self.drafts, self._name)
        self._opening = True
        if tuple(self.chooser.options) != tuple(options):
            self.chooser.options = options
        self.chooser.value = chosen(self.row, self.draft, self.rows, self.drafts)
        self._opening = False

    def fill(self, place: str | None = None) -> None:
        """Show the rows as they are on disk; what was typed and not saved stays in the editor or in the list."""
        if place is None:
            self.version = self.file.version
        old, draft = self.row, self.draft
        same = [row for row in self.rows if old and row.place == old.place]
        equal = [row for row in self.rows if old and as_text(row.raw) == as_text(old.raw)]
        if draft and not equal:
            self._open(None, draft)
        else:
            self._open(next(iter(equal or same), None), draft)
        self.refresh()

    def sign(self) -> None:
        """Put the name and role, now given, into the row in the editor where it has none."""
        given = {n: v for n, v in self._prefilled().items() if n != "on" and v and not self.editor.typed().get(n)}
        if given and self.row is None:
            self.editor.put(self.editor.typed() | given)
            self.save()

    # --- what is saved -----------------------------------------------------------------------------------------

    def _changed(self, field: Field) -> None:
        if field.name == "id" and (more := suggested(self.register, self.editor.typed())):
            self.editor.put(self.editor.typed() | more)
        self._say("Not saved yet …")
        self.file.later(self.id, self.save)
        if isinstance(self.editor.controls[field.name], widgets.Dropdown):
            self.file.flush(self.id)

    def save(self) -> None:
        """Write the row in the editor, or keep it aside and say what it lacks."""
        typed, row = self.editor.typed(), self.row
        values = differing(self.register, row, typed)
        if not (values if row else set(typed) - set(SIGNED)):
            self._keep(None)
            self._say(self._standing())
            self.refresh()
            return
        name, before = self._name(typed), {r.place for r in self.rows}
        try:
            if self.version != self.file.version:
                raise ChangedOnDisk
            whole = validated(self.register, row, values)
            change = changing(row, values) if row else adding(self.register, self.file.data, values, whole)
            self._write(change, f"the {self.register.one} “{name}”", keeps=True)
        except NotValid as error:
            self._not_saved(f"NOT SAVED in the table yet. {error}.", typed)
        except ChangedOnDisk:
            self._not_saved(conflict(self.file.path.name), typed, conflict=True)
        except (InputError, OSError) as error:
            self._not_saved(f"NOT SAVED. {in_words(error, self.file.path.name)}.", typed)
        else:
            self._keep(None)
            places = {row.place} if row else {r.place for r in self.rows} - before
            self.row = next((r for r in reversed(self.rows) if r.place in places), None)
            self._tell(f"Saved {now():%H:%M} · {count(self.rows, self.drafts)}")

    def _write(self, change: Change, words: str, *, keeps: bool) -> None:
        file = self.file
        signs = keeping(self.register, file.data, file.signature.given()["by"]) if keeps else []
        old = file.file
        file.write(
            *signs,
            change,
            form=self.id,
            place=self.register.id,
            words=words,
            check=lambda fresh: added_problems(file.case, old, fresh),
        )

    def _tell(self, words: str) -> None:
        wrong = self.file.tell(self.id)
        self._say(f"{words}. {wrong}".strip())
        self.foot.say(f"{words}.")

    def _not_saved(self, words: str, typed: Values, *, conflict: bool = False) -> None:
        draft = Draft(as_text(self.row.raw) if self.row else None, typed)
        kept = self._keep(draft)
        self.refresh()
        self._say(f"{words} {kept}", conflict=conflict)

    def _keep(self, draft: Draft | None) -> str:
        """Keep what is in the editor beside the workbook in the place of its last draft; says whether that was done."""
        drafts = self.drafts
        at = drafts.index(self.draft) if self.draft in drafts else len(drafts)
        drafts[at : at + 1] = [draft] if draft else []
        try:
            self.file.unfinished.keep_rows(self.register.id, drafts)
        except OSError:
            kept = "What you typed stands in this form only: copy it."
        else:
            kept = "What you typed is kept beside the workbook, and comes back with this form."
        self.draft = self.drafts[at] if draft else None
        return kept

    def remove(self) -> None:
        """Take the row in the editor out of the table, or what is unfinished out of the form."""
        self.file.flush(self.id)
        row, name = self.row, self._name(self.row.values if self.row else self.editor.typed())
        if row:
            try:
                if self.version != self.file.version:
                    raise ChangedOnDisk
                self._write(Change("remove", row.place, {}), f"the removal of “{name}”", keeps=False)
            except ChangedOnDisk:
                self._say(conflict(self.file.path.name).replace("SAVED", "REMOVED"), conflict=True)
                return
            except (InputError, OSError) as error:
                self._say(f"NOT REMOVED. {in_words(error, self.file.path.name)}.")
                return
        self._keep(None)
        self._open(None)
        undo = " “Undo last change” brings it back." if row else ""
        self._tell(f"Removed {now():%H:%M}: {name}.{undo} {count(self.rows, self.drafts)}")


def form_id(register: Register) -> str:
    """What a register's form is called among the forms of a workbook."""
    return f"edit:{register.id}"
