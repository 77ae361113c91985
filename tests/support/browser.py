"""A real browser, where the machine has one: Chromium or Chrome on the path, or the one Playwright installed.

`pip` brings the driver and axe-core but no browser; `apt-get install chromium` or `playwright install chromium` does.
Without one these tests are skipped, which is said.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def running() -> Iterator[Browser]:
    """One browser for all the tests of a module."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        try:
            # As root, in a container, Chromium has no sandbox; it is shown our own files alone.
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except PlaywrightError as error:
            if "Executable doesn't exist" not in str(error):
                raise
            pytest.skip("no Chromium: apt-get install chromium, or playwright install chromium")
        yield browser
        browser.close()


@dataclass
class Seen:
    """A page that is open, and all it asked for and complained of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, path: Path, **look: Any) -> Iterator[Seen]:
    """`path` in a tab of its own; `look` is a context's: color_scheme, viewport, java_script_enabled."""
    context = browser.new_context(**look)
    seen = Seen(context.new_page())
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    seen.page.on("console", lambda message: seen.complaints.append(message.text))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.goto(path.as_uri())
    yield seen
    context.close()
