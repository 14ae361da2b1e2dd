"""Debian's Chromium under Playwright: what of it is missing here, and how it is started.

The rule: the browser of the system, never a download; no network: it is told of a proxy that is not there.
"""

from __future__ import annotations

import importlib.util
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

FLAGS = (
    "--no-sandbox",  # tests run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--proxy-server=127.0.0.1:9",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
)


def missing() -> str:
    """Why there is no browser test here; '' when there can be."""
    for module in ("playwright", "axe_playwright_python"):
        if importlib.util.find_spec(module) is None:
            return f"needs the Python package {module}: pip install -e '.[browser]'"
    return "" if executable() else "needs Chromium: apt-get install chromium"


def executable() -> str:
    """Path of the browser, '' when there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or ""


def launch(playwright: Playwright) -> Browser:
    """A browser without a window."""
    return playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
