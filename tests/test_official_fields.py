"""The check of queries against the official fields finds what is wrong, and only that."""

from __future__ import annotations

import pytest

from tests.arm_sandbox import test_official_queries
from tests.official_fields import strange_fields

OFFICIAL = {
    name: text.format(negation="", key="version") if "{key}" in text else text
    for name, text in vars(test_official_queries).items()
    if name.isupper() and isinstance(text, str)
}


@pytest.mark.parametrize("query", OFFICIAL.values(), ids=OFFICIAL)
def test_microsofts_own_queries_name_official_fields_only(query: str) -> None:
    assert strange_fields(query) == []


@pytest.mark.parametrize(
    ("query", "strange"),
    [
        ("patchinstallationresources | where properties.statuss == 'x'", ["statuss"]),
        (
            "patchinstallationresources | project x=properties['maintenanceRunID']",
            ["maintenanceRunID"],
        ),
        (
            "patchassessmentresources | extend p = parse_json(properties) | where p.a.b > 1",
            ["a.b"],
        ),
        (
            "patchassessmentresources | project c=properties.availablePatchCountByClassification "
            "| summarize sum(toint(c.Critical))",
            ["availablePatchCountByClassification.Critical"],
        ),
        (
            "resources | extend ps=iff(name=='x', properties.osProfile.windowsConfiguration, "
            "properties.osProfile.linuxConfiguration) | where tostring(ps.patchsettings) == ''",
            [
                "osProfile.linuxConfiguration.patchsettings",
                "osProfile.windowsConfiguration.patchsettings",
            ],
        ),
        ("resources | order by tostring(properties.osType.x) | summarize count()", ["osType.x"]),
        ("maintenanceresources | mv-expand f = properties.filter.oses", ["filter.oses"]),
        ("resources | project tags | where tags.anything == 1 and tags['x'] == 2", []),
    ],
)
def test_a_field_that_is_not_there_is_found(query: str, strange: list[str]) -> None:
    table = query.split(maxsplit=1)[0]
    assert strange_fields(query) == [f"{table}: {field}" for field in strange]


def test_both_sides_of_a_join_are_looked_at() -> None:
    query = (
        "resources | project id, properties | join kind=leftouter (patchassessmentresources "
        "| where properties.nothing == 1 | project id, properties) on id "
        "| where properties.vmId == '' and properties1.vmId == ''"
    )
    assert strange_fields(query) == [
        "patchassessmentresources: nothing",
        "patchassessmentresources: vmId",
    ]
