"""The end of a form: what is saved and what is open, and the way back."""

from __future__ import annotations

import ipywidgets as widgets

from ethics_kit.errors import InputError
from ethics_kit.forms import controls
from ethics_kit.forms.disk import ChangedOnDisk, StageFile, now


class Foot:
    """A line that says what is saved, and a button that takes the session's last change back."""

    def __init__(self, file: StageFile) -> None:
        self.file = file
        self.status = widgets.HTML()
        self.undo_button = controls.button("Undo last change", self.undo)
        self.box = widgets.VBox([self.status, self.undo_button])
        for name in ("foot", "question"):
            self.box.add_class(name)

    def say(self, words: str) -> None:
        """Say `words`, and where the file as it was before this session lies."""
        project = self.file.case.dossier.project
        if self.file.backup:
            copy = f"The file as it was before your first change: {project.address(self.file.backup)}"
        else:
            copy = f"Before your first change the file is copied to {project.address(self.file.own / 'backups')}/"
        self.status.value = controls.said(words, [copy])

    def undo(self) -> None:
        """Take the last change back, in whichever form it was made."""
        file = self.file
        file.flush()
        try:
            last = file.undo()
        except ChangedOnDisk:
            self.say(f"NOT UNDONE: {file.path.name} was changed by somebody else meanwhile. Nothing was written over.")
            return
        except (InputError, OSError) as error:
            self.say(f"NOT UNDONE: {in_words(error, file.path.name)}")
            return
        if last is None:
            self.say("Nothing to undo: nothing was changed since this workbook was opened, or all of it is undone.")
            return
        file.tell(last.form)
        if last.form in file.forms:
            file.forms[last.form].fill(last.place)
        left = f"{len(file.done)} earlier can be undone." if file.done else "It was the first of this session."
        self.say(f"Undone {now():%H:%M}: {last.words} (saved {last.at:%H:%M}). {left}")


def in_words(error: InputError | OSError, name: str) -> str:
    """What is wrong, in words for the form."""
    if isinstance(error, OSError):
        return f"{name}: {error.strerror or error}"
    return "; ".join(f"{p.key.rpartition('.')[2]}: found {p.found}; to do: {p.todo}" for p in error.problems)


def conflict(name: str) -> str:
    """What to say where somebody else's change is in the way."""
    return f"NOT SAVED. {name} was changed by somebody else since this form read it. Nothing was written over."
