"""What people see in a browser: a reuser on the dataset's page, a steward in Dagit.

Debian's chromium drives it (`apt-get install chromium chromium-driver`); without it the tests skip and say so.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.chromium import browsing, needs_browser
from tests.fixtures_portal import Portal, free_port

GLANE = str(Path(sys.executable).parent / "glane")
DATASET = "atlas_organisations"
PARTNER = "red-tecnologia-social"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.portal,
    pytest.mark.slow,
    needs_browser,
]


@pytest.fixture(scope="module")
def environment(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One dataset of the samples, published on the session's portal from a store of its own."""
    home = tmp_path_factory.mktemp("browser")
    token = home / "token"
    token.write_text(portal.token, "utf-8")
    settings = {
        **os.environ,
        "GLANE_STORE": str(home / "data"),
        "DAGSTER_HOME": str(home / "dagster"),
        "GLANE_PORTAL": portal.url,
        "GLANE_PORTAL_TOKEN_FILE": str(token),
    }
    subprocess.run([GLANE, "run", DATASET], env=settings, check=True, timeout=200, stdout=subprocess.DEVNULL)
    return settings


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    profile = tmp_path_factory.mktemp("chromium")
    downloads = {"download.default_directory": str(profile / "downloads")}
    with browsing(profile / "user", "--window-size=1400,1600", prefs=downloads) as driver:
        driver.downloads = profile / "downloads"  # type: ignore[attr-defined]
        yield driver


@pytest.fixture(scope="module")
def dagit(environment: dict[str, str]) -> Iterator[str]:
    """The address of a Dagit that ends with the test."""
    command = [GLANE, "ui", "--port", str(free_port())]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Dagit: http"), line
        yield line.removeprefix("Dagit: ").strip()
    finally:
        process.terminate()
        process.wait(60)


def test_a_reuser_follows_a_resource_to_its_file_and_gets_the_very_bytes(
    browser: webdriver.Chrome, environment: dict[str, str], portal: Portal
) -> None:
    browser.get(f"{portal.url}/dataset/{DATASET}")
    browser.get(address_of(browser.find_element(By.PARTIAL_LINK_TEXT, "(CSV)")))
    browser.get(address_of(browser.find_element(By.CSS_SELECTOR, "a.resource-url-analytics")))
    kept = next(
        (Path(environment["GLANE_STORE"]) / "versions" / DATASET / "1.0.0").rglob(f"{DATASET}-organisations.csv")
    )
    downloads: Path = browser.downloads  # type: ignore[attr-defined]
    wait(browser, lambda: [p for p in downloads.glob("*.csv") if p.stat().st_size == kept.stat().st_size])
    (arrived,) = downloads.glob("*.csv")
    assert arrived.read_bytes() == kept.read_bytes()


def test_the_page_speaks_french_and_english(
    browser: webdriver.Chrome, environment: dict[str, str], portal: Portal
) -> None:
    for language, word in (("fr", "Jeux de données"), ("en", "Datasets")):
        browser.get(f"{portal.url}/{language}/dataset/{DATASET}")
        assert word in body(browser)
        assert "1.0.0" in body(browser)


def test_a_steward_finds_the_assets_a_check_and_a_report_in_dagit(browser: webdriver.Chrome, dagit: str) -> None:
    browser.get(f"{dagit}/asset-groups")
    wait(browser, lambda: DATASET in body(browser))

    browser.get(f"{dagit}/assets/{DATASET}/{PARTNER}/rows?view=checks")
    wait(browser, lambda: "conforms" in body(browser) and "complete" in body(browser))

    wait(browser, lambda: "Succeeded" in body(browser))
    wait(browser, lambda: browser.find_elements(By.XPATH, "//*[contains(text(), 'Show Markdown')]"))
    browser.execute_script(
        "arguments[0].click()", browser.find_element(By.XPATH, "//*[contains(text(), 'Show Markdown')]")
    )
    wait(browser, lambda: "Consentimiento" in dialog(browser) and "30/02/2026" in dialog(browser))


def address_of(link: WebElement) -> str:
    return link.get_attribute("href") or ""


def dialog(browser: webdriver.Chrome) -> str:
    return "\n".join(found.text for found in browser.find_elements(By.CSS_SELECTOR, ".bp5-dialog"))


def body(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def wait(browser: webdriver.Chrome, condition: Callable[[], object]) -> None:
    WebDriverWait(browser, 60, poll_frequency=0.5).until(lambda _: condition())
