"""The operators of scalar expressions: comparison, text, membership, logic, arithmetic."""

from __future__ import annotations

import operator as python
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from arm_sandbox.kql import values
from arm_sandbox.kql.errors import QueryError, unfit
from arm_sandbox.kql.typed import Row, Typed, Work, as_text, cast, combined, strict

Meets = Callable[[str], bool]

# -- text


def has(term: str) -> Meets:
    """Whether a term stands in a text with nothing alphanumeric against either of its ends."""
    before = LEFT_EDGE if term[:1].isalnum() else ""
    after = RIGHT_EDGE if term[-1:].isalnum() else ""
    return _found(before + re.escape(term) + after)


def _found(pattern: str) -> Meets:
    search = re.compile(pattern).search
    return lambda text: search(text) is not None


LEFT_EDGE, RIGHT_EDGE = r"(?<![^\W_])", r"(?![^\W_])"


@cache
def regular(pattern: str) -> re.Pattern[str]:
    """A pattern that Kusto (RE2) and Python read alike. Raises QueryError for any other."""
    if re.search(r"\(\?(?![:imsU-]|P<)|\\[1-9]|[+*?}]\+", pattern):
        raise unfit(f"The regular expression '{pattern}' is not one of RE2.")
    try:
        return re.compile(pattern)
    except re.error as error:
        raise unfit(f"The regular expression '{pattern}' is not valid: {error}.") from None


TEXT: Mapping[str, Callable[[str], Meets]] = {
    "has": has,
    "hasprefix": lambda term: _found(LEFT_EDGE + re.escape(term)),
    "hassuffix": lambda term: _found(re.escape(term) + RIGHT_EDGE),
    "contains": lambda part: lambda text: part in text,
    "startswith": lambda part: lambda text: text.startswith(part),
    "endswith": lambda part: lambda text: text.endswith(part),
}
"""What a text has to meet; case-sensitive, so without `_cs` all is lower case before."""


def text_match(operator: str, left: Typed, right: Typed) -> Typed:
    name, negated = _unnegated(operator)
    condition = TEXT[name.removesuffix("_cs")]
    left, right = _texts(operator, left, right)
    if not name.endswith("_cs"):
        left, right = _lowered(left), _lowered(right)
    if not right.constant:
        return combined("bool", lambda text, part: condition(part)(text) != negated, [left, right])
    meets = condition(right.value)
    return combined("bool", (lambda text: not meets(text)) if negated else meets, [left])


def matches_regex(operator: str, left: Typed, right: Typed) -> Typed:
    left, right = _texts(operator, left, right)
    if not right.constant:
        raise unfit(f"{operator}: the pattern must be a constant.")
    pattern = regular(right.value)
    return combined("bool", lambda text: pattern.search(text) is not None, [left])


def same_text(operator: str, left: Typed, right: Typed) -> Typed:
    """`=~` and `!~`: equal but for the case of letters."""
    left, right = (_lowered(side) for side in _texts(operator, left, right))
    return combined("bool", python.eq if operator == "=~" else python.ne, [left, right])


def _texts(operator: str, *sides: Typed) -> list[Typed]:
    found = [as_text(side) for side in sides]
    if any(side.type != "string" for side in found):
        raise _incomparable(operator, *sides)
    return found


def _lowered(text: Typed) -> Typed:
    return combined("string", str.lower, [text])


def _unnegated(operator: str) -> tuple[str, bool]:
    return operator.removeprefix("!"), operator.startswith("!")


# -- comparison


def compared(operator: str, left: Typed, right: Typed) -> Typed:
    """`==`, `!=` and the relations: null, and so not true, where one side is null.

    Only `!=` is true of a null and something else (scalar data types, "Null values").
    """
    if "string" in (left.type, right.type) and operator not in ("==", "!="):
        raise _incomparable(operator, left, right)
    answer = COMPARISONS[operator]
    if left.type != right.type or left.type != "string":
        left, right = _comparable(operator, left, right)
        answer = _differs if operator == "!=" else strict(answer)
    return combined("bool", answer, [left, right])


COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": python.eq,
    "!=": python.ne,
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}


def _differs(left: Any, right: Any) -> bool | None:
    return None if left is None and right is None else bool(left != right)


def _comparable(operator: str, left: Typed, right: Typed) -> tuple[Typed, Typed]:
    """Two sides in one type; a dynamic value takes the type of the other side, if it can."""
    types = {left.type, right.type}
    if types == {"dynamic"}:
        raise _incomparable(operator, left, right)
    if left.type == "dynamic":
        return _unboxed(left, right.type), right
    if right.type == "dynamic":
        return left, _unboxed(right, left.type)
    if len(types) > 1 and not types <= set(values.NUMBERS):
        raise _incomparable(operator, left, right)
    return left, right


def _unboxed(dynamic: Typed, type: str) -> Typed:
    """A dynamic value as another type, without reading numbers or truths out of strings.

    A dynamic null is no string, not even an empty one: it stays null.
    """
    if type in ("datetime", "timespan"):
        return cast(dynamic, type)
    kinds = {"string": (str,), "bool": (bool,)}.get(type, (int, float))
    return combined(type, lambda value: value if value.__class__ in kinds else None, [dynamic])


def _incomparable(operator: str, *sides: Typed) -> QueryError:
    types = " and ".join(side.type for side in sides)
    return unfit(
        f"'{operator}' operator: Cannot compare values of types {types}. Try adding explicit casts"
    )


# -- membership


def member(operator: str, value: Typed, *options: Typed) -> Typed:
    """`in`, `!in`, `in~`, `!in~`, `has_any` and `has_all`, with constants to choose from."""
    name, negated = _unnegated(operator)
    if not all(option.constant for option in options):
        raise unfit(f"{operator}: the values to choose from must be constants.")
    listed = [each for option in options for each in _spread(option)]
    if name in ("has_any", "has_all"):
        return _has_some(name, value, listed)
    if value.type in ("string", "dynamic") and all(isinstance(each, str) for each in listed):
        return _among_texts(value, listed, folded=name == "in~", negated=negated)
    if name == "in~" or value.type in ("string", "dynamic"):
        raise unfit(f"'{operator}' operator: the values are not all of type string.")
    for option in options:
        _comparable(operator, value, option)
    chosen = frozenset(listed)
    return combined("bool", strict(lambda each: (each in chosen) != negated), [value])


def _spread(option: Typed) -> list[Any]:
    """A constant, or the constants in a dynamic array."""
    inside = option.value
    return inside if option.type == "dynamic" and isinstance(inside, list) else [inside]


def _among_texts(value: Typed, listed: list[str], *, folded: bool, negated: bool) -> Typed:
    text = as_text(value)
    if folded:
        text, listed = _lowered(text), [each.lower() for each in listed]
    chosen = frozenset(listed)
    if negated:
        return combined("bool", lambda each: each not in chosen, [text])
    return combined("bool", lambda each: each in chosen, [text])


def _has_some(name: str, value: Typed, listed: list[Any]) -> Typed:
    conditions = [has(str(each).lower()) for each in listed]
    some = any if name == "has_any" else all
    [text] = _texts(name, value)
    return combined("bool", lambda each: some(c(each) for c in conditions), [_lowered(text)])


def between(operator: str, value: Typed, low: Typed, high: Typed) -> Typed:
    """Both ends are inside; a timespan as the high end is counted from the low end."""
    if high.type == "timespan" and low.type == "datetime":
        high = combined("datetime", strict(python.add), [low, high])
    inside = both("and", compared(">=", value, low), compared("<=", value, high))
    return inside if operator == "between" else opposite_truth(inside)


# -- logic, with null as "not known"


def both(operator: str, *sides: Typed) -> Typed:
    truths = _truths(operator, sides)

    def work(row: Row) -> bool | None:
        known = True
        for truth in truths:
            found = truth(row)
            if found is False:
                return False
            known = known and found is not None
        return True if known else None

    return Typed("bool", work, all(side.constant for side in sides))


def either(operator: str, *sides: Typed) -> Typed:
    truths = _truths(operator, sides)

    def work(row: Row) -> bool | None:
        known = True
        for truth in truths:
            found = truth(row)
            if found:
                return True
            known = known and found is not None
        return False if known else None

    return Typed("bool", work, all(side.constant for side in sides))


def opposite_truth(value: Typed) -> Typed:
    _truths("not", [value])
    return combined("bool", strict(python.not_), [value])


def _truths(operator: str, sides: Sequence[Typed]) -> list[Work]:
    if any(side.type != "bool" for side in sides):
        raise unfit(f"'{operator}' operator: the operands must be of type bool.")
    return [side.work for side in sides]


# -- arithmetic


def arithmetic(operator: str, left: Typed, right: Typed | None = None) -> Typed:
    if right is None:
        return _opposite(left)
    kinds = tuple("number" if s.type in values.NUMBERS else s.type for s in (left, right))
    type = RESULTS.get((kinds[0], operator, kinds[1]))
    if type is None:
        raise unfit(
            f"'{operator}' operator: Arithmetic expression cannot be carried-out between "
            f"{left.type} and {right.type}"
        )
    if type == "number":
        type = "int" if left.type == right.type == "int" else "long"
        type = "real" if "real" in (left.type, right.type) else type
    return combined(type, strict(_calculation(operator, type)), [left, right])


RESULTS: Mapping[tuple[str, str, str], str] = {
    **{("number", sign, "number"): "number" for sign in "+-*/%"},
    **{("timespan", sign, "timespan"): "timespan" for sign in "+-"},
    **{("datetime", sign, "timespan"): "datetime" for sign in "+-"},
    ("timespan", "+", "datetime"): "datetime",
    ("datetime", "-", "datetime"): "timespan",
    ("timespan", "*", "number"): "timespan",
    ("number", "*", "timespan"): "timespan",
    ("timespan", "/", "number"): "timespan",
    ("timespan", "/", "timespan"): "real",
}


def _calculation(operator: str, type: str) -> Callable[[Any, Any], Any]:
    simple = {"+": python.add, "-": python.sub, "*": python.mul}
    if operator == "%":
        return lambda left, right: left % abs(right) if right else None
    if operator in simple:
        calculate = simple[operator]
        return calculate if type != "timespan" else lambda a, b: round(calculate(a, b))
    if type == "real":
        return lambda left, right: left / right if right else None
    return lambda left, right: _divided(left, right) if right else None


def _divided(left: int, right: float) -> int:
    """Whole numbers are divided towards zero."""
    quotient = abs(left) // abs(right)
    return int(quotient if (left < 0) == (right < 0) else -quotient)


def _opposite(value: Typed) -> Typed:
    if value.type not in (*values.NUMBERS, "timespan"):
        raise unfit(f"'-' operator: cannot be applied to a {value.type}.")
    return combined(value.type, strict(python.neg), [value])


def rounded_down(value: Any, step: Any) -> Any:
    """`bin`: the largest multiple of a step that is not above a value."""
    return value // step * step if step else None


OPERATORS: Mapping[str, Callable[..., Typed]] = {
    **dict.fromkeys(COMPARISONS, compared),
    **dict.fromkeys(("=~", "!~"), same_text),
    **{f"{no}{name}{cs}": text_match for name in TEXT for no in ("", "!") for cs in ("", "_cs")},
    "matches regex": matches_regex,
    **dict.fromkeys(("in", "!in", "in~", "!in~", "has_any", "has_all"), member),
    **dict.fromkeys(("between", "!between"), between),
    "and": both,
    "or": either,
    **dict.fromkeys("+-*/%", arithmetic),
}
"""Each operator takes its own name and its operands."""
