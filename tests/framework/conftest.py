"""What the tests of the framework's files share: one file's content changed for one test."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from ethics_kit.framework import catalogue


@pytest.fixture
def loader() -> ModuleType:
    """The module whose files are changed."""
    return catalogue


@pytest.fixture
def replace(loader: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``replace(name, change)``: let `change` alter the content of one file."""
    read = loader._read

    def clear() -> None:
        for member in vars(loader).values():
            if hasattr(member, "cache_clear"):
                member.cache_clear()

    def put(name: str, change: Any) -> None:
        def changed(wanted: str) -> Any:
            content = read(wanted)
            if wanted == name:
                change(content)
            return content

        monkeypatch.setattr(loader, "_read", changed)
        clear()

    yield put
    monkeypatch.undo()
    clear()
