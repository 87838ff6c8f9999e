"""A report in each of its forms: what it says, and that nothing of Azure's gets out of hand."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from patchctl.figures import Figures, find_run
from patchctl.history import History
from patchctl.ledger import entries
from patchctl.views.documents.charts import ticks
from patchctl.views.documents.data import text as json_text
from patchctl.views.documents.html import html
from patchctl.views.documents.mail import mail
from patchctl.views.documents.plain_text import plain_text
from patchctl.views.documents.spreadsheet import COLUMNS, spreadsheet
from tests.patchctl.histories import looked_at, reported, wanted

EVIL = '<script>alert("x")</script>'
FORMULA = "=cmd|' /C calc'!A0"


class Page(HTMLParser):
    """The elements of a page and its visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Twelve machines, one of them failing for an evil reason and of an evil name."""
    file = tmp_path_factory.mktemp("history") / "history.sqlite"
    return looked_at(file, 12, failing=1, name=EVIL, reason=EVIL)


@pytest.fixture(scope="module")
def figures(history: History) -> Figures:
    return reported(history)


# -- HTML


def test_the_page_shows_what_there_is_to_show(figures: Figures) -> None:
    page = Page(html(figures))
    assert "Patch report: web" in page.text
    assert "Compliant: 10 of 12 assessed (83 %), 10 of all 12 (83 %)." in page.text
    assert page.elements.count("svg") == 2
    assert {value for name, value in page.attributes if name == "id"} >= {
        "pending", "failures", "machines", "runs", "installed",
    }  # fmt: skip


def test_what_comes_from_azure_is_text(figures: Figures) -> None:
    page = Page(html(figures))
    assert page.elements.count("script") == 1
    assert EVIL in page.text


def test_the_page_loads_nothing(figures: Figures) -> None:
    page = html(figures)
    loading = ("src", "href", "xlink:href", "srcset", "data", "action")
    assert [pair for pair in Page(page).attributes if pair[0] in loading] == []
    assert re.findall(r"@import|url\(", page) == []
    addresses = set(re.findall(r"https?://[^\"' <]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page


def test_ids_are_unique(figures: Figures) -> None:
    ids = [value for name, value in Page(html(figures)).attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_sandbox_is_marked_and_azure_is_not(history: History) -> None:
    for sandbox in (True, False):
        found = reported(history, sandbox=sandbox)
        assert ("SANDBOX" in Page(html(found)).text) is sandbox
        assert ("SANDBOX" in plain_text(found, 80)) is sandbox
        assert (b"[SANDBOX]" in mail(found, [])) is sandbox
        assert json.loads(json_text(found))["sandbox"] is sandbox


def test_nothing_yet(tmp_path: Path) -> None:
    found = reported(looked_at(tmp_path / "history.sqlite", 0))
    for said in (Page(html(found)).text, plain_text(found, 80)):
        assert "No assessment of the last seven days was seen" in said
    assert "svg" not in Page(html(found)).elements


def test_a_page_of_one_run(history: History) -> None:
    page = Page(html(reported(history, run=find_run(history, "20261128020000"))))
    assert "machines took part" in page.text
    assert "The run 20261128020000 of 2026-11-28 02:00 UTC." in page.text
    assert "Pending updates" not in page.text


@pytest.mark.parametrize("highest", [0, 1, 4, 5, 6, 9, 10, 11, 99, 100, 101, 12345, 500_000])
def test_the_axis_has_few_whole_numbers_and_room_for_the_highest(highest: int) -> None:
    found = ticks(highest)
    assert found[0] == 0
    assert found[-1] >= highest
    assert 2 <= len(found) <= 7
    assert len({higher - lower for lower, higher in pairwise(found)}) == 1


# -- CSV


def rows(history: History, figures: Figures, run: str = "") -> list[dict[str, str]]:
    lines = "".join(spreadsheet(entries(history, figures, wanted(run=run))))
    return list(csv.DictReader(io.StringIO(lines, newline="")))


def test_a_row_is_an_update_on_a_machine(history: History, figures: Figures) -> None:
    found = rows(history, figures)
    assert tuple(found[0]) == COLUMNS
    assert {row["machine"] for row in found} == {machine.name for machine in figures.machines}
    pending = [row for row in found if row["state"] == "Pending"]
    assert len(pending) == sum(sum(counts.values()) for counts in figures.ages.values())
    installed = [row for row in found if row["state"] == "Installed"]
    assert len(installed) == sum(run.installed for run in figures.runs)
    assert {row["reason"] for row in found if row["state"] == "Failed"} == {EVIL}
    assert {row["sandbox"] for row in found} == {"sandbox"}


def test_a_row_says_when_and_how_old(history: History, figures: Figures) -> None:
    pending = next(r for r in rows(history, figures) if r["kb"] == "5066100" and not r["run"])
    assert (pending["severity"], pending["days_pending"]) == ("Moderate", "83")
    assert pending["published"] == "2026-09-08T09:00:00Z"
    done = next(r for r in rows(history, figures) if r["state"] == "Installed")
    assert re.fullmatch(r"2026-11-\d\dT02:40:00Z", done["at"])
    assert re.search(r"/applyupdates/\d{14}$", done["run"])


def test_a_machine_without_updates_has_a_row_all_the_same(tmp_path: Path) -> None:
    history = looked_at(tmp_path / "history.sqlite", 1, weeks=0)
    (row,) = rows(history, reported(history))
    assert (row["machine"], row["update"], row["compliance"]) == ("vm-web-0000", "", "no data")


def test_only_what_a_run_did(history: History, figures: Figures) -> None:
    run = find_run(history, "20261128020000")
    found = rows(history, figures, run=run)
    assert {row["run"] for row in found} == {run}
    assert {row["state"] for row in found} == {"Installed", "Failed"}


@pytest.mark.parametrize("cell", [FORMULA, "+1", "-1", "@SUM(A1)", "\tx"])
def test_no_cell_is_a_formula(tmp_path: Path, cell: str) -> None:
    history = looked_at(tmp_path / "history.sqlite", 1, weeks=1, failing=1, reason=cell)
    reasons = {row["reason"] for row in rows(history, reported(history)) if row["reason"]}
    assert reasons == {f"'{cell}"}


# -- text, JSON and mail


def test_text_fits_eighty_columns_and_has_an_end(tmp_path: Path) -> None:
    found = reported(looked_at(tmp_path / "history.sqlite", 60, failing=3, reason="disk full"))
    lines = plain_text(found, 80).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert len(lines) < 170
    assert "and 40 more: --format html, csv or json" in lines


def test_json_has_the_figures(figures: Figures) -> None:
    document = json.loads(json_text(figures))
    assert document["compliance"] == {
        "compliant": 10, "non_compliant": 2, "no_data": 0, "assessed": 12, "machines": 12,
    }  # fmt: skip
    assert len(document["machines"]) == 12
    assert document["failures"][0]["reason"] == EVIL
    assert document["now"] == "2026-11-30T09:00:00+00:00"


def test_the_mail_is_ready_to_send(figures: Figures) -> None:
    message = email.message_from_bytes(
        mail(figures, ["ops@example.com", "boss@example.com"]), policy=email.policy.default
    )
    assert message["To"] == "ops@example.com, boss@example.com"
    assert (
        message["Subject"] == "[SANDBOX] Patch report web: 10 of 12 compliant, 4 failed, 4 warnings"
    )
    assert message.get_content_type() == "multipart/alternative"
    text, page = (part.get_content() for part in message.iter_parts())
    assert "Compliant: 10 of 12 assessed" in text
    assert Page(page).elements.count("script") == 0
    assert EVIL in Page(page).text
    assert "patchctl report --name web --out report.html" in Page(page).text
