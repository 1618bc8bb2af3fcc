"""Debian's chromium without a window, for the tests that look at pages."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_DRIVER = shutil.which("chromedriver")
_BROWSER = shutil.which("chromium")

needs_browser = pytest.mark.skipif(
    not (_DRIVER and _BROWSER), reason="no browser: apt-get install chromium chromium-driver"
)


@contextmanager
def browsing(
    profile: Path, *flags: str, prefs: Mapping[str, str] | None = None, logs: Mapping[str, str] | None = None
) -> Iterator[webdriver.Chrome]:
    """A browser of its own that keeps all it has in `profile`; gone afterwards."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(_BROWSER)
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={profile}",
        *flags,
    ):
        options.add_argument(flag)
    if prefs:
        options.add_experimental_option("prefs", dict(prefs))
    if logs:
        options.set_capability("goog:loggingPrefs", dict(logs))
    driver = webdriver.Chrome(options=options, service=Service(executable_path=str(_DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()
