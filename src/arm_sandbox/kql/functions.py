"""Scalar functions: what they take, what they give, and how a call is made ready.

A signature names the types of the arguments and of the answer: `string, string, long? -> dynamic`.
`?` marks what may be left out, `...` more of the last, `any` any type, `number` int, long or real.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arm_sandbox.kql import bags, operators, texts, times, values
from arm_sandbox.kql.errors import QueryError, unfit, unknown_function
from arm_sandbox.kql.typed import Row, Typed, as_text, cast, combined, common_type, constant, strict


@dataclass(frozen=True)
class Signature:
    takes: tuple[str, ...]
    least: int
    open_ended: bool
    gives: str

    @classmethod
    def read(cls, text: str) -> Signature:
        before, gives = (part.strip() for part in text.split("->"))
        names = [name.strip() for name in before.split(",") if name.strip()]
        open_ended = names[-1:] == ["..."]
        names = names[:-1] if open_ended else names
        least = sum(not name.endswith("?") for name in names)
        return cls(tuple(name.rstrip("?") for name in names), least, open_ended, gives)

    def wanted(self, number: int) -> Sequence[str]:
        """The types of the arguments of a call with that many."""
        more = [self.takes[-1]] * (number - len(self.takes)) if self.open_ended else []
        return [*self.takes[:number], *more]


def require(name: str) -> None:
    """Raises QueryError for a function that is not known, whatever it is given."""
    if name not in SPECIAL and name not in PLAIN and name not in OF_THE_PRESENT:
        raise unknown_function(name)


def call(name: str, arguments: Sequence[Typed], now: int) -> Typed:
    """A call of a known function. Raises QueryError where the arguments do not fit."""
    if name in OF_THE_PRESENT:
        return _from_now(name, list(arguments), now)
    if name in SPECIAL:
        return SPECIAL[name](name, list(arguments))
    text, function = PLAIN[name]
    signature = Signature.read(text)
    wanted = signature.wanted(len(arguments))
    if len(arguments) < signature.least or len(arguments) > len(wanted):
        raise _wrong_number(name)
    fitted = [_fitted(name, *pair) for pair in zip(arguments, wanted, strict=True)]
    nothing = values.empty(signature.gives)

    def unless_null(*given: Any) -> Any:
        return nothing if None in given else function(*given)

    return combined(signature.gives, unless_null, fitted)


def _fitted(name: str, argument: Typed, wanted: str) -> Typed:
    """An argument as the function takes it. Raises QueryError where it does not fit."""
    given = as_text(argument) if wanted == "string" else argument
    fits = {"any": True, "number": given.type in values.NUMBERS, "long": given.type == "int"}
    if given.type == wanted or fits.get(wanted, False):
        return given
    if wanted == "real" and given.type in values.NUMBERS:
        return cast(given, "real")
    raise unfit(f"{name}(): an argument is expected to be a {wanted}; it is a {given.type}.")


def _wrong_number(name: str) -> QueryError:
    return unfit(f"{name}(): the number of arguments is not one that the function takes.")


def _from_now(name: str, arguments: list[Typed], now: int) -> Typed:
    """`now(offset)` and `ago(span)`: one moment for the whole query."""
    if len(arguments) > 1 or (name == "ago" and not arguments):
        raise _wrong_number(name)
    if not arguments:
        return constant("datetime", now)
    offset = _fitted(name, arguments[0], "timespan")
    sign = -1 if name == "ago" else 1
    return combined("datetime", strict(lambda span: now + sign * span), [offset])


# -- functions whose answer has the type of what they are given


def _conversion(name: str, arguments: list[Typed]) -> Typed:
    if len(arguments) != 1:
        raise _wrong_number(name)
    [value], to = arguments, CASTS[name]
    if value.type == "bool" and to == "string":
        # "true" or "True": no document says, and a guess would be a wrong answer.
        raise unfit(f"{name}(): the text of a bool is not known to the sandbox; use iff().")
    if to == "dynamic":
        return _parsed(value)
    if value.type in ("datetime", "timespan") and to not in ("string", value.type):
        raise unfit(f"{name}(): a {value.type} cannot be converted to a {to}.")
    return cast(value, to)


def _parsed(value: Typed) -> Typed:
    if value.type == "string":
        return combined("dynamic", values.parsed_json, [value])
    return cast(value, "dynamic")


def _choice(name: str, arguments: list[Typed]) -> Typed:
    """`iff(condition, then, otherwise)` and `case(condition, then, ..., otherwise)`."""
    if len(arguments) < 3 or len(arguments) % 2 == 0 or (name != "case" and len(arguments) != 3):
        raise _wrong_number(name)
    *pairs, otherwise = arguments
    conditions, results = pairs[0::2], pairs[1::2]
    if any(condition.type != "bool" for condition in conditions):
        raise unfit(f"{name}(): the conditions must be of type bool.")
    type = common_type(name, [each.type for each in (*results, otherwise)])
    *works, last = (_widened(each, type).work for each in (*results, otherwise))
    branches = list(zip((c.work for c in conditions), works, strict=True))

    def work(row: Row) -> Any:
        chosen = next((result for condition, result in branches if condition(row)), last)
        return chosen(row)

    return Typed(type, work, all(each.constant for each in arguments))


def _first_known(name: str, arguments: list[Typed]) -> Typed:
    """`coalesce`: the first value that is not null, or not empty if it is a string."""
    if len(arguments) < 2:
        raise _wrong_number(name)
    type = common_type(name, [each.type for each in arguments])
    nothing = (None, "") if type == "string" else (None,)
    works = [_widened(each, type).work for each in arguments]

    def work(row: Row) -> Any:
        found = (value for value in (work(row) for work in works) if value not in nothing)
        return next(found, values.empty(type))

    return Typed(type, work, all(each.constant for each in arguments))


def _widened(value: Typed, type: str) -> Typed:
    return cast(value, type) if type in ("real", "dynamic") else value


def _extreme(name: str, arguments: list[Typed]) -> Typed:
    type = common_type(name, [each.type for each in arguments])
    if len(arguments) < 2 or type not in (*values.NUMBERS, "datetime", "timespan"):
        raise _wrong_number(name)
    pick = min if name == "min_of" else max
    return combined(
        type, lambda *found: pick((f for f in found if f is not None), default=None), arguments
    )


def _binned(name: str, arguments: list[Typed]) -> Typed:
    if len(arguments) != 2:
        raise _wrong_number(name)
    value, step = arguments
    spans = value.type in ("datetime", "timespan") and step.type == "timespan"
    if not spans and not {value.type, step.type} <= set(values.NUMBERS):
        raise unfit(f"{name}(): a {value.type} cannot be rounded to a {step.type}.")
    type = value.type if spans else common_type(name, [value.type, step.type])
    return combined(type, strict(operators.rounded_down), arguments)


def _emptiness(name: str, arguments: list[Typed]) -> Typed:
    """`isempty` also knows empty strings, `isnull` does not: a string is never null."""
    if len(arguments) != 1:
        raise _wrong_number(name)
    [value] = arguments
    nothing: tuple[Any, ...] = (
        (None, "") if name in ("isempty", "isnotempty", "notempty") else (None,)
    )
    if name in ("isempty", "isnull"):
        return combined("bool", lambda found: found in nothing, [value])
    return combined("bool", lambda found: found not in nothing, [value])


def _joined(name: str, arguments: list[Typed]) -> Typed:
    """`strcat` and `strcat_delim` take anything and make text of it."""
    if not arguments or (name == "strcat_delim" and len(arguments) < 3):
        raise _wrong_number(name)
    parts = [_conversion("tostring", [each]) for each in arguments]
    if name == "strcat":
        return combined("string", lambda *found: "".join(found), parts)
    return combined("string", lambda between, *found: between.join(found), parts)


def _packed(name: str, arguments: list[Typed]) -> Typed:
    """`bag_pack(key, value, ...)` and `pack_array(value, ...)`."""
    parts = [cast(each, "dynamic") for each in arguments]
    if name == "pack_array":
        return combined("dynamic", lambda *found: list(found), parts)
    if len(parts) % 2 or not parts:
        raise _wrong_number(name)
    return combined(
        "dynamic", lambda *found: dict(zip(found[0::2], found[1::2], strict=True)), parts
    )


def _not(name: str, arguments: list[Typed]) -> Typed:
    if len(arguments) != 1:
        raise _wrong_number(name)
    return operators.opposite_truth(arguments[0])


CASTS = {
    "tostring": "string",
    "toint": "int",
    "tolong": "long",
    "toreal": "real",
    "todouble": "real",
    "tobool": "bool",
    "toboolean": "bool",
    "todatetime": "datetime",
    "totimespan": "timespan",
    "todynamic": "dynamic",
    "parse_json": "dynamic",
    "toobject": "dynamic",
}
OF_THE_PRESENT = ("now", "ago")
SPECIAL: Mapping[str, Callable[[str, list[Typed]], Typed]] = {
    **dict.fromkeys(CASTS, _conversion),
    **dict.fromkeys(("iff", "iif", "case"), _choice),
    "coalesce": _first_known,
    **dict.fromkeys(("min_of", "max_of"), _extreme),
    **dict.fromkeys(("bin", "floor"), _binned),
    **dict.fromkeys(
        ("isempty", "isnotempty", "notempty", "isnull", "isnotnull", "notnull"), _emptiness
    ),
    **dict.fromkeys(("strcat", "strcat_delim"), _joined),
    **dict.fromkeys(("bag_pack", "pack", "pack_array"), _packed),
    "not": _not,
}
PLAIN: Mapping[str, tuple[str, Callable[..., Any]]] = {
    **texts.FUNCTIONS,
    **times.FUNCTIONS,
    **bags.FUNCTIONS,
    "abs": ("real -> real", abs),
    "ceiling": ("real -> real", lambda value: float(math.ceil(value))),
    "round": ("real, long? -> real", lambda value, digits=0: float(round(value, digits))),
}
