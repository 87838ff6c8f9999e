"""The HTML report in a real browser, without a window.

PATCHCTL_PICTURES names a directory that gets pictures of what the browser shows. Where there is no
browser the tests are skipped, unless PATCHCTL_NEED_BROWSER is set.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from patchctl.figures import Figures
from patchctl.views.documents.html import html
from tests.patchctl.histories import looked_at, reported

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
EVIL = '<script>document.title = "owned"</script>'
Show = Callable[[Figures], Chrome]


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    binary = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        give_up = pytest.fail if os.environ.get("PATCHCTL_NEED_BROWSER") else pytest.skip
        give_up("NO BROWSER: install chromium and chromium-driver to test the HTML report")
    options = ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,1600"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def show(browser: Chrome, tmp_path: Path) -> Show:
    def open_page(figures: Figures) -> Chrome:
        file = tmp_path / "report.html"
        file.write_text(html(figures), encoding="utf-8")
        browser.get(file.as_uri())
        return browser

    return open_page


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    file = tmp_path_factory.mktemp("history") / "history.sqlite"
    return reported(looked_at(file, 40, failing=2, name=EVIL, reason=EVIL))


def keep(browser: Chrome, name: str) -> None:
    """Leave a picture for people to look at, if they have said where."""
    if directory := os.environ.get("PATCHCTL_PICTURES"):
        browser.save_screenshot(str(Path(directory) / f"{name}.png"))


def complaints(browser: Chrome) -> Any:
    """What the browser's console says."""
    untyped: Any = browser
    return untyped.get_log("browser")


def column(browser: Chrome, table: str, number: int) -> list[str]:
    cells = browser.find_elements(By.CSS_SELECTOR, f"#{table} tbody td:nth-child({number})")
    return [cell.text for cell in cells]


def heading(browser: Chrome, table: str, number: int) -> WebElement:
    return browser.find_element(By.CSS_SELECTOR, f"#{table} thead th:nth-child({number})")


def test_the_page_opens_without_a_complaint(show: Show, many: Figures) -> None:
    browser = show(many)
    keep(browser, "many")
    assert browser.title == "Patch report: web"
    assert complaints(browser) == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_nothing_sticks_out_at_the_side(show: Show, many: Figures) -> None:
    browser = show(many)
    wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.execute_script(wider) <= 0


def test_charts_have_a_size_colours_and_a_name(show: Show, many: Figures) -> None:
    charts = show(many).find_elements(By.TAG_NAME, "svg")
    assert len(charts) == 2
    for chart in charts:
        assert chart.size["height"] > 100
        assert "Pending updates" in (chart.get_attribute("aria-label") or "")
    bars = charts[0].find_elements(By.CSS_SELECTOR, ".bar rect")
    assert len({bar.value_of_css_property("fill") for bar in bars}) > 3


def test_tables_sort_by_the_heading_that_is_pressed(show: Show, many: Figures) -> None:
    browser = show(many)
    urgent = heading(browser, "machines", 5)
    urgent.find_element(By.TAG_NAME, "button").click()
    ascending = [int(text) for text in column(browser, "machines", 5)]
    assert ascending == sorted(ascending)
    assert urgent.get_attribute("aria-sort") == "ascending"
    urgent.find_element(By.TAG_NAME, "button").click()
    descending = [int(text) for text in column(browser, "machines", 5)]
    assert descending == sorted(descending, reverse=True)
    assert urgent.get_attribute("aria-sort") == "descending"
    keep(browser, "sorted")


def test_tables_sort_by_keyboard(show: Show, many: Figures) -> None:
    browser = show(many)
    button = heading(browser, "pending", 6).find_element(By.TAG_NAME, "button")
    browser.execute_script("arguments[0].focus()", button)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    days = [int(text) for text in column(browser, "pending", 6)]
    assert days == sorted(days)
    assert browser.switch_to.active_element == button


def test_severities_sort_by_urgency_and_not_by_the_alphabet(show: Show, many: Figures) -> None:
    browser = show(many)
    heading(browser, "pending", 4).find_element(By.TAG_NAME, "button").click()
    shown = column(browser, "pending", 4)
    assert shown == [
        each
        for each in ("Critical", "Important", "Moderate", "Low", "Security, unrated", "Other")
        if each in shown
    ]


@pytest.mark.parametrize(("mode", "darker"), [("light", False), ("dark", True)])
def test_light_and_dark(show: Show, many: Figures, mode: str, darker: bool) -> None:
    browser = show(many)
    feature = {"features": [{"name": "prefers-color-scheme", "value": mode}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    keep(browser, mode)
    paper, ink = (
        _brightness(browser.find_element(By.TAG_NAME, "body").value_of_css_property(name))
        for name in ("background-color", "color")
    )
    assert (paper < ink) is darker
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def _brightness(colour: str) -> int:
    """Of `rgb(1, 2, 3)` or `rgba(1, 2, 3, 1)`."""
    return sum(int(part) for part in colour.split("(")[1].rstrip(")").split(",")[:3])


def test_it_prints(show: Show, many: Figures) -> None:
    pdf = base64.b64decode(show(many).print_page())
    assert pdf.startswith(b"%PDF")
    pages = pdf.count(b"/Type /Page\n")
    assert 2 <= pages <= 8
    if directory := os.environ.get("PATCHCTL_PICTURES"):
        (Path(directory) / "many.pdf").write_bytes(pdf)


def test_it_reads_without_scripts(show: Show, many: Figures, browser: Chrome) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(many)
        assert browser.find_elements(By.CSS_SELECTOR, "th button") == []
        assert len(browser.find_elements(By.CSS_SELECTOR, "#machines tbody tr")) == 40
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("machines", [0, 1])
def test_little_or_nothing_is_a_page_too(show: Show, tmp_path: Path, machines: int) -> None:
    browser = show(reported(looked_at(tmp_path / "history.sqlite", machines)))
    keep(browser, f"with {machines}")
    assert complaints(browser) == []
    assert "SANDBOX" in browser.find_element(By.TAG_NAME, "body").text
