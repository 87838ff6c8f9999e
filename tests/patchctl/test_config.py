"""What can be asked for, and which place wins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from patchctl import config
from patchctl.config import Asked, Config, Model, layered
from patchctl.errors import BadInput
from patchctl.layers import STANDING, TABLES, Layer, flattened, nested, read_file

EXAMPLE = Path(__file__).parents[2] / "examples/complete.toml"
EMAILS = {"emails": ["you@example.com"]}


def asked(**values: Any) -> Asked:
    """A configuration from one place; `schedule__at` stands for `schedule.at`."""
    spelled = {key.replace("__", "."): value for key, value in values.items()}
    return layered([Layer("the test", {**EMAILS, **spelled}, {})])


def problems(**values: Any) -> str:
    with pytest.raises(BadInput) as error:
        asked(**values)
    return "\n".join(error.value.problems)


def test_the_first_layer_that_has_a_value_wins() -> None:
    at = "schedule.at"
    layers = [
        Layer("the command line", {at: "01:00"}, {at: "--at"}),
        Layer("the environment", {at: "02:30"}, {at: "PATCHCTL_AT"}),
        Layer("patchctl.toml", {at: "03:00"}, {}),
        Layer(STANDING, {at: "04:00"}, {}),
    ]
    found = []
    while layers:
        result = layered(layers)
        found.append((result.config.schedule.at, result.source(at)))
        layers.pop(0)
    assert found == [
        ("01:00", "--at"),
        ("02:30", "PATCHCTL_AT"),
        ("03:00", "schedule.at in patchctl.toml"),
        ("04:00", STANDING),
    ]
    bare = layered([])
    assert (bare.config.schedule.at, bare.source(at)) == ("02:00", "default")


def test_the_sandbox_is_asked_for_by_a_truth_value_alone() -> None:
    """The greeting says where it is before anything is checked, and must not be wrong."""
    assert "'false' is not possible; true or false is wanted" in problems(sandbox="false")


def test_values_of_one_section_may_come_from_different_places() -> None:
    result = layered(
        [
            Layer("the command line", {"schedule.at": "01:00"}, {"schedule.at": "--at"}),
            Layer(STANDING, {"schedule.at": "05:00", "schedule.duration": "03:00"}, {}),
        ]
    )
    assert (result.config.schedule.at, result.config.schedule.duration) == ("01:00", "03:00")
    assert result.source("schedule.duration") == STANDING


def test_a_problem_names_the_place_that_wins() -> None:
    layers = [
        Layer("the command line", {"schedule.at": "99"}, {"schedule.at": "--at"}),
        Layer("patchctl.toml", {"schedule.at": "02:00", "name": "Web"}, {}),
    ]
    with pytest.raises(BadInput) as error:
        layered(layers)
    assert sorted(p.split(":")[0] for p in error.value.problems) == [
        "--at",
        "name in patchctl.toml",
    ]


def test_the_defaults() -> None:
    found = asked().config
    assert (found.name, found.location, found.machine.os) == ("demo", "eastus", "windows")
    assert found.schedule.recur == "1Week Saturday"
    assert found.classifications("windows") == ("Critical", "Security", "Updates")
    linux = asked(machine__os="linux").config.classifications("linux")
    assert linux == ("Critical", "Security", "Other")


def test_the_example_shows_every_key_and_no_other() -> None:
    """A line `key = value` shows a key, and so does one behind a `#`."""
    shown, section = set(), ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        if header := re.fullmatch(r"(?:# )?\[{1,2}(\w+)\]{1,2}", line):
            section = f"{header[1]}."
        elif key := re.match(r"(?:# )?([\w-]+) = ", line):
            shown.add(f"{section}{key[1]}")
    sections: dict[str, type[Model]] = {**config.SECTIONS, "machines": config.Selection}
    keys = {key for key in Config.model_fields if key not in {*sections, "tags"}}
    keys |= {f"{name}.{key}" for name, model in sections.items() for key in model.model_fields}
    assert {key for key in shown if not key.startswith("tags.")} == keys


def test_toml_may_leave_out_the_quotes_around_times(tmp_path: Path) -> None:
    file = tmp_path / "patchctl.toml"
    text = "[schedule]\nat = 03:30:00\nduration = 02:30:00\nfirst = 2027-01-02\n"
    file.write_text(text, encoding="utf-8")
    schedule = layered([read_file(file)]).config.schedule
    assert (schedule.at, schedule.duration, schedule.first) == ("03:30", "02:30", "2027-01-02")


def test_a_file_gives_sections_and_tags(tmp_path: Path) -> None:
    file = tmp_path / "patchctl.toml"
    text = '[patches]\nreboot = "Never"\n[tags]\n"cost.centre" = "42"\n'
    file.write_text(text, encoding="utf-8")
    found = layered([read_file(file)])
    assert found.config.patches.reboot == "Never"
    assert found.config.tags == {"cost.centre": "42"}
    assert found.source("patches.reboot") == f"patches.reboot in {file}"


@pytest.mark.parametrize(
    ("written", "kept"),
    [("5031364", "KB5031364"), ("kb5031364", "KB5031364"), ("KB5031364", "KB5031364")],
)
def test_kb_numbers_have_one_spelling(written: str, kept: str) -> None:
    patches = asked(patches__include_kbs=[written], patches__exclude_kbs=[written]).config.patches
    assert (patches.include_kbs, patches.exclude_kbs) == ((kept,), (kept,))


@pytest.mark.parametrize("written", ["KB", "KB12x4", "security", "KB123456789"])
def test_what_is_no_kb_number(written: str) -> None:
    assert "KB5031364" in problems(patches__exclude_kbs=[written])


@pytest.mark.parametrize("mask", ["kernel*", "openssl=3.0.2-0ubuntu1", "libc6", "g++:amd64"])
def test_package_masks(mask: str) -> None:
    found = asked(machine__os="linux", patches__exclude_packages=[mask])
    assert found.config.patches.exclude_packages == (mask,)


def test_what_is_no_package_mask() -> None:
    assert "name*" in problems(machine__os="linux", patches__include_packages=["a b"])


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"machine__os": "linux", "patches__include_kbs": ["5031364"]}, "windows only"),
        ({"patches__exclude_packages": ["kernel*"]}, "linux only"),
        ({"machine__os": "linux", "patches__classifications": ["Updates"]}, "not known for linux"),
        ({"patches__classifications": ["Other"]}, "not known for windows"),
        ({"machine__os": "linux", "patches__classifications": ["Security"]}, "both of Critical"),
        ({"patches__classifications": []}, "name at least one"),
    ],
)
def test_what_does_not_fit_the_system(values: dict[str, Any], word: str) -> None:
    assert word in problems(**values)


def test_classifications_take_azures_spelling_and_order() -> None:
    found = asked(patches__classifications=["updates", "SECURITY"]).config
    assert found.classifications("windows") == ("Security", "Updates")


def test_something_to_include_is_enough() -> None:
    found = asked(patches__classifications=[], patches__include_kbs=["5031364"]).config
    assert found.classifications("windows") == ()


@pytest.mark.parametrize("path", ["nam", "schedule.time", "patches.kb", "machine.vm"])
def test_unknown_keys_are_answered_with_the_known(path: str) -> None:
    said = problems(**{path: "x"})
    section = path.rpartition(".")[0]
    assert said.startswith(f"{path} in the test: no such key")
    assert all(key in said for key in config.known_keys((section, "x") if section else ("x",)))


def test_addresses_are_kept_once() -> None:
    found = asked(emails=["You@example.com", "you@example.com", "ops@example.com"]).config
    assert [email.lower() for email in found.emails] == ["you@example.com", "ops@example.com"]


def test_a_location_may_be_written_as_people_read_it() -> None:
    assert asked(location="West Europe").config.location == "westeurope"


def test_an_iana_zone_becomes_azures() -> None:
    zone = asked(schedule__time_zone="Europe/Berlin").config.schedule.time_zone
    assert zone == "W. Europe Standard Time"


def test_every_section_is_a_table_of_the_file() -> None:
    assert set(config.SECTIONS) == set(TABLES)


def test_flattening_and_nesting_undo_each_other() -> None:
    flat = {"name": "web", "schedule.at": "02:00", "tags": {"a.b": "c"}}
    assert flattened(nested(flat)) == flat
