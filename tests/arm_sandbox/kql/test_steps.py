"""Tabular operators: what each makes of the small table, and the dialect of alert rules."""

from __future__ import annotations

from typing import Any

import pytest

from arm_sandbox import kql
from tests.arm_sandbox.kql.table import COLUMNS, NOW, ROWS, answer, result, why_not


def cells(text: str) -> list[tuple[Any, ...]]:
    found = result(text)
    return [tuple(row[name] for name in found.columns) for row in found.rows]


def columns(text: str) -> list[str]:
    return list(result(text).columns)


def test_project_shows_what_it_names_in_its_order() -> None:
    assert answer("T | take 1 | project size, n=name, size") == [
        {"size": 4, "n": "Alpha-web", "size1": 4}
    ]


def test_project_away_takes_names_and_patterns() -> None:
    assert columns("T | project-away id, s*, bag") == ["name", "on", "made"]
    assert "Failed to resolve" in why_not("T | project-away nosuch")


def test_extend_adds_at_the_end_and_replaces() -> None:
    assert columns("T | project id, name | extend id=1, x=2") == ["name", "id", "x"]
    assert "named 'x'" in why_not("T | extend x=1, y=x"), "one extend sees no new column of its own"
    assert cells("T | take 1 | extend x=1 | extend y=x+1 | project y") == [(2,)]


def test_order_puts_nulls_where_it_is_told() -> None:
    assert cells("T | order by size | project size") == [(4,), (-7,), (None,)]
    assert cells("T | order by size asc | project size") == [(None,), (-7,), (4,)]
    assert cells("T | order by size asc nulls last | project size") == [(-7,), (4,), (None,)]
    assert cells("T | order by size nulls first | project size") == [(None,), (4,), (-7,)]


def test_order_by_several_keys() -> None:
    text = "T | union U | order by on asc nulls last, id desc | project tostring(toint(size))"
    assert cells(text) == [("-7",), ("-7",), ("4",), ("4",), ("",), ("",)]


def test_strings_are_ordered_by_their_characters() -> None:
    assert cells("T | order by name asc | project name") == [("",), ("Alpha-web",), ("beta web",)]


def test_top_is_order_and_take() -> None:
    assert cells("T | top 2 by size | project size") == [(4,), (-7,)]
    assert cells("T | top 1 by size asc nulls last | project size") == [(-7,)]


def test_count_take_and_distinct() -> None:
    assert answer("T | count") == [{"Count": 3}]
    assert answer("T | where id == '' | count") == [{"Count": 0}]
    assert len(answer("T | take 2")) == 2
    assert cells("T | union U | distinct size") == [(4,), (-7,), (None,)]
    assert len(answer("T | union U | project id, size | distinct *")) == 3


# -- summarize


@pytest.mark.parametrize(
    ("aggregation", "result"),
    [
        ("count()", {"count_": 3}),
        ("n=count()", {"n": 3}),
        ("countif(size > 0)", {"countif_": 1}),
        ("dcount(on)", {"dcount_on": 2}),
        ("dcountif(name, size > 0)", {"dcountif_name": 1}),
        ("sum(size)", {"sum_size": -3}),
        ("sumif(size, size < 0)", {"sumif_size": -7}),
        ("avg(size)", {"avg_size": -1.5}),
        ("avgif(size, on)", {"avgif_size": 4.0}),
        ("min(size), max(size)", {"min_size": -7, "max_size": 4}),
        ("max(made)", {"max_made": "2026-11-23T12:00:00Z"}),
        ("max(name)", {"max_name": "beta web"}),
        ("make_list(size)", {"list_size": [4, -7]}),
        ("make_list(size, 1)", {"list_size": [4]}),
        ("make_set(on)", {"set_on": [True, False]}),
        ("make_set_if(name, size > 0)", {"make_set_if_name": ["Alpha-web"]}),
        (
            "make_list(made)",
            {"list_made": ["2026-11-23T12:00:00.0000000Z", "2026-11-22T12:00:00.0000000Z"]},
        ),
        ("take_any(size)", {"size": 4}),
        ("arg_max(size, name)", {"size": 4, "name": "Alpha-web"}),
        ("arg_min(size, name, on)", {"size": -7, "name": "beta web", "on": False}),
        ("latest=arg_max(made, size)", {"latest": "2026-11-23T12:00:00Z", "size": 4}),
        ("round(avg(size), 0)", {"Column1": -2.0}),
        ("share=todouble(countif(size > 0)) / count()", {"share": 1 / 3}),
        ("sum(toint(bag.count))", {"sum_bag_count": 3}),
        ("strcat_array(make_list(size), '+')", {"Column1": "4+-7"}),
    ],
)
def test_aggregations(aggregation: str, result: dict[str, Any]) -> None:
    assert answer(f"T | summarize {aggregation}") == [result]


def test_aggregations_of_no_rows() -> None:
    nothing = "T | where id == 'none' | summarize"
    assert answer(f"{nothing} count(), max(size), make_set(name), dcount(name)") == [
        {"count_": 0, "max_size": None, "set_name": [], "dcount_name": 0}
    ]
    assert answer(f"{nothing} count() by name") == []
    assert answer(f"{nothing} arg_max(size, name)") == [{"size": None, "name": ""}]


def test_groups_are_made_by_keys_that_may_be_computed() -> None:
    text = "T | summarize n=count() by positive=size > 0, day=bin(made, 1d) | order by n"
    assert columns(text) == ["positive", "day", "n"]
    assert cells("T | union U | summarize count() by bin(made, 1d)") == [
        ("2026-11-23T00:00:00Z", 2),
        ("2026-11-22T00:00:00Z", 2),
        (None, 2),
    ]
    assert cells("T | summarize by on") == [(True,), (False,), (None,)]


def test_arg_max_of_everything_does_not_show_keys_twice() -> None:
    text = "T | union U | summarize arg_max(made, *) by name"
    assert columns(text) == ["name", "made", "id", "size", "share", "on", "bag"]
    assert cells(f"{text} | project name, size") == [("Alpha-web", 4), ("beta web", -7), ("", None)]


# -- one row into several


def test_mv_expand_makes_a_row_of_each_element() -> None:
    text = "T | mv-expand e = bag.os.disks | project right=substring(id, strlen(id) - 1), e"
    assert cells(text) == [("A", {"gb": 127}), ("A", {"gb": 30}), ("c", None)]


def test_mv_expand_of_a_column_replaces_it() -> None:
    text = "T | extend l = bag.list | mv-expand l to typeof(string) | project l"
    assert cells(text) == [("x",), ("y",), ("",)]


def test_mv_expand_side_by_side_with_an_index() -> None:
    text = "T | take 1 | mv-expand with_itemindex=n a=bag.list, b=bag.os.disks limit 1"
    assert cells(f"{text} | project n, a, b") == [(0, "x", {"gb": 127})]


def test_mv_expand_of_a_bag() -> None:
    bag = "T | take 1 | project b = dynamic({'p': 1, 'q': 2})"
    assert cells(f"{bag} | mv-expand b") == [({"p": 1},), ({"q": 2},)]
    assert cells(f"{bag} | mv-expand kind=array b") == [(["p", 1],), (["q", 2],)]
    assert cells(f"{bag} | mv-expand bagexpansion=array b | project b[0]") == [("p",), ("q",)]


def test_mv_expand_casts_and_does_not_convert() -> None:
    text = "T | take 1 | mv-expand x = dynamic([1, '2', null]) to typeof(int) | project x"
    assert cells(text) == [(1,), (None,), (None,)]


def test_mv_expand_stops_at_its_limit() -> None:
    many = "T | take 1 | project x = split(strrep('a,', 500), ',') | mv-expand x"
    assert len(answer(many)) == 128
    assert len(answer(f"{many} limit 400")) == 400
    assert "at most 400" in why_not(f"{many} limit 401")


@pytest.mark.parametrize(
    ("pattern", "results"),
    [
        ("* '/resourceGroups/' g '/providers/' *", [("one",), ("two",), ("",)]),
        (
            "a '/virtualMachines/' *",
            [
                ("/subscriptions/S/resourceGroups/one/providers/Microsoft.Compute",),
                ("/subscriptions/S/resourceGroups/two/providers/Microsoft.Compute",),
                ("",),
            ],
        ),
        ("* '/virtualMachines/' vm", [("A",), ("B",), ("",)]),
        ("* '/virtualmachines/' vm", [("",), ("",), ("",)]),
        ("'/subscriptions/' s '/' *", [("S",), ("S",), ("",)]),
    ],
)
def test_parse_takes_text_apart(pattern: str, results: list[Any]) -> None:
    name = next(word for word in pattern.split() if word.isalpha())
    assert cells(f"T | parse id with {pattern} | project {name}") == results


def test_parse_reads_numbers_and_gives_all_or_nothing() -> None:
    text = "T | take 1 | extend s='total=27, left: -3.' | parse s with "
    pattern = "* 'total=' total:long * 'left: ' left:int '.'"
    assert cells(f"{text} {pattern} | project total, left") == [(27, -3)]
    text = (
        "T | take 1 | extend s='a=1;b=2x' | parse s with 'a=' a:int ';b=' b:datetime | project a, b"
    )
    assert cells(text) == [(None, None)]
    assert "must follow" in why_not("T | parse id with a *")
    assert "kind=simple only" in why_not("T | parse kind=regex id with a")


# -- several relations


def keys(letters: str) -> str:
    """A table of letters in the column `k`, with their numbers in `n`."""
    listed = f"k=dynamic({list(letters)}) to typeof(string)"
    return f"(T | take 1 | mv-expand with_itemindex=n {listed} | project k, n)"


@pytest.mark.parametrize(
    ("kind", "pairs"),
    [
        ("inner", [("a", 0, 1), ("a", 1, 1), ("b", 2, 0), ("b", 2, 2)]),
        ("innerunique", [("a", 0, 1), ("b", 2, 0), ("b", 2, 2)]),
        ("leftouter", [("a", 0, 1), ("a", 1, 1), ("b", 2, 0), ("b", 2, 2), ("c", 3, None)]),
        (
            "fullouter",
            [("", None, 3), ("a", 0, 1), ("a", 1, 1), ("b", 2, 0), ("b", 2, 2), ("c", 3, None)],
        ),
    ],
)
def test_joins(kind: str, pairs: list[Any]) -> None:
    text = f"{keys('aabc')} | join kind={kind} {keys('babz')} on k"
    assert sorted(cells(f"{text} | project k, n, n1"), key=str) == sorted(pairs, key=str)
    assert columns(text) == ["k", "n", "k1", "n1"]


def test_a_join_without_a_kind_is_innerunique() -> None:
    text = f"{keys('aa')} | join {keys('aa')} on k"
    assert len(answer(text)) == 2


def test_joins_by_several_keys_of_other_names() -> None:
    text = (
        f"{keys('ab')} | join kind=inner ({keys('bb')} | project key=k, m=n) "
        "on $left.k == $right.key, $left.n == $right.m"
    )
    assert cells(text) == [("b", 1, "b", 1)]


def test_keys_are_told_apart_by_case_and_null_equals_nothing() -> None:
    assert answer(f"{keys('a')} | join kind=inner {keys('A')} on k") == []
    assert len(answer("T | join kind=inner U on size")) == 2


@pytest.mark.parametrize("kind", ["leftsemi", "leftanti", "rightouter", "anti"])
def test_other_joins_are_refused(kind: str) -> None:
    assert why_not(f"T | join kind={kind} U on id").startswith("UnsupportedJoinFlavor")


def test_unions() -> None:
    text = "T | project id, size | union {}(U | project id, on)"
    assert columns(text.format("")) == ["id", "size", "on"]
    assert len(answer(text.format(""))) == 6
    assert columns(text.format("kind=inner ")) == ["id"]
    assert answer(text.format("kind=outer "))[-3]["size"] is None
    assert "different types" in why_not("T | union (U | project id=1)")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("T | summarize count() by bag.os", "bag_os is of a 'dynamic' type"),
        ("T | summarize count() by bag", "bag is of a 'dynamic' type"),
        ("T | order by bag.count", "bag_count is of a 'dynamic' type"),
        ("T | distinct bag", "bag is of a 'dynamic' type"),
        ("T | join U on bag", "join key 'bag' is of a 'dynamic' type"),
        ("T | join U on nosuch", "named 'nosuch'"),
        ("T | join U on $left.id == $right.size", "is a string"),
        ("T | join U on $left.id == $left.id", "$left on one side"),
        ("T | join hint.strategy=broadcast U on id", "join strategies are not allowed"),
        ("T | summarize sum(name)", "not of a string"),
        ("T | summarize max(bag.count)", "not of a dynamic"),
        ("T | summarize size", "named 'size'"),
        ("T | summarize 1", "without an aggregation"),
        ("T | summarize countif(size)", "must be a condition"),
        ("T | summarize percentile(size, 50)", "Unknown function: 'percentile'"),
        ("T | extend x = count()", "Unknown function: 'count'"),
        ("T | mv-expand id", "expected to have dynamic type"),
        ("T | mv-expand bag to typeof(thing)", "'thing' is no type"),
        ("T | project *", "ParserFailure"),
        ("T | union withsource=t U", "kind=outer and kind=inner only"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, why: str) -> None:
    assert why in why_not(text)


# -- limits and dialects


def test_no_more_than_three_joins_and_unions() -> None:
    joined = " | join kind=inner (T | project id) on id"
    assert len(answer(f"T{joined * 3}")) == 3
    assert why_not(f"T{joined * 4}").startswith("DisallowedMaxNumberOfJoins")
    assert why_not(f"T{joined * 3} | union T").startswith("DisallowedMaxNumberOfJoins")
    expanded = " | mv-expand bag"
    assert "mv-expands" in why_not(f"T{expanded * 4}")


def test_one_other_table_is_joined_and_that_once() -> None:
    assert len(answer("T | join kind=inner U on id")) == 3
    twice = "T | join kind=inner U on id | join kind=inner U on id"
    assert why_not(twice).startswith("DisallowedMaxNumberOfRemoteTables")


def test_a_plain_query_asks_resources() -> None:
    assert why_not("where id == ''").endswith("resources is invalid, unsupported or disallowed.")
    found = kql.run("project id", {"resources": (COLUMNS, ROWS)}.__getitem__, NOW)
    assert len(found.rows) == 3


def test_an_alert_rule_asks_through_arg() -> None:
    assert answer('arg("").T | where on | project size', kql.ALERT_RULE) == [{"size": 4}]
    assert "arg" in why_not('arg("").T')


@pytest.mark.parametrize(
    "text",
    [
        "T",
        "no query at all",
        'arg("").nosuch',
        'arg("").T | where nosuch == 1',
        'arg("").T | summarize arg_max(size, *)',
        'arg("").T | summarize countif(on)',
        'arg("").T | summarize avg(size)',
        'arg("").T | join kind=inner (arg("").U) on id',
        'arg("").T | join hint.remote=left kind=inner (arg("").U) on id',
        'arg("").T | extend k = bag_keys(bag)',
        'arg("").T | evaluate bag_unpack(bag)',
    ],
)
def test_what_an_alert_rule_may_not_ask_is_met_with_silence(text: str) -> None:
    assert answer(text, kql.ALERT_RULE) == []


def test_an_alert_rule_sees_a_thousand_rows() -> None:
    many = {"t": ({"n": "long"}, [{"n": n} for n in range(1500)])}
    found = kql.run('arg("").T', many.__getitem__, NOW, kql.ALERT_RULE)
    assert len(found.rows) == 1000
