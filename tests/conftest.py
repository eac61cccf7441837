"""What tests share: a real Chromium."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

MACOS_CHROMIUM = [
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
]


def find_chromium() -> str | None:
    if named := os.environ.get("CHROMIUM"):
        return named
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return found
    if sys.platform == "darwin":
        return next((str(path) for path in MACOS_CHROMIUM if path.exists()), None)
    return None


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless. Without one a test is skipped, and fails where CI is set."""
    executable = find_chromium()
    if executable is None:
        missing = (
            "no Chromium found. Install one (Debian, Ubuntu: apt-get install chromium; "
            "macOS: brew install --cask chromium) or give its path in the environment variable CHROMIUM"
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            chromium_sandbox=not root,  # playwright adds --no-sandbox unless told; root cannot do without it
            args=[
                "--headless",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: playwright leaves an event loop running, where asyncio.run refuses to work."""
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))
