"""What a template takes and gives: its parameters and its outputs.

The words of the refusals are from issue threads: dotnet-core-sample-templates#2, SimuLand#40.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from arm_sandbox.providers.expressions import Scope, evaluate
from arm_sandbox.wire import Json, Refusal, gateway

Body = dict[str, Any]

TYPES: Mapping[str, tuple[str, type]] = {
    "string": ("String", str),
    "securestring": ("SecureString", str),
    "int": ("Int", int),
    "bool": ("Bool", bool),
    "object": ("Object", dict),
    "secureobject": ("SecureObject", dict),
    "array": ("Array", list),
}
"""Each type as it is shown, and what a value of it is."""


def invalid(message: str) -> Refusal:
    """`InvalidTemplate`. Azure tells line and column; a body that has been read has none: they are
    0, as Azure's own often are."""
    info = {"lineNumber": 0, "linePosition": 0, "path": ""}
    return gateway(
        400,
        "InvalidTemplate",
        f"Deployment template validation failed: '{message}'.",
        more={"additionalInfo": [{"type": "TemplateViolation", "info": info}]},
    )


def lowered(named: Mapping[str, Json] | None) -> dict[str, Json]:
    """By lower-cased name: names in a template have no case."""
    return {name.lower(): value for name, value in (named or {}).items()}


def require(declared: Body, values: Mapping[str, Json]) -> None:
    """Each value declared, each parameter given or with a default, each value one of its type."""
    unknown = [name for name in values if name.lower() not in lowered(declared)]
    if unknown:
        raise invalid(
            f"The template parameters '{', '.join(unknown)}' in the parameters file are not valid; "
            "they are not present in the original template and can therefore not be provided at "
            "deployment time. The only supported parameters for this template are "
            f"'{', '.join(declared)}'. Please see https://aka.ms/arm-pass-parameter-values for "
            "usage details."
        )
    given = lowered(values)
    for name, parameter in declared.items():
        if name.lower() in given:
            _require_value(name, parameter, given[name.lower()])
        elif "defaultValue" not in parameter:
            raise invalid(
                f"The value for the template parameter '{name}' at line '0' and column '0' is not "
                "provided. Please see https://aka.ms/arm-create-parameter-file for usage details."
            )


def _require_value(name: str, parameter: Body, value: Json) -> None:
    shown, wanted = _type_of(parameter)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise invalid(
            f"Template parameter JToken type is not valid. Expected '{shown}'. Actual "
            f"'{type(value).__name__}'. Please see https://aka.ms/arm-create-parameter-file for "
            "usage details."
        )
    allowed = parameter.get("allowedValues")
    if allowed is not None and value not in allowed:
        told = "" if is_secure(parameter) else f" '{value}'"
        among = ",".join(str(item) for item in allowed)
        _refuse(name, f"The value{told} is not part of the allowed value(s): '{among}'.")
    if isinstance(value, (str, list)):
        _require_size(name, "Length of the value", len(value), parameter, "Length")
    elif isinstance(value, int):
        _require_size(name, "The value", value, parameter, "Value")


def _require_size(name: str, what: str, size: int, parameter: Body, of: str) -> None:
    low, high = parameter.get(f"min{of}"), parameter.get(f"max{of}")
    if low is not None and size < low:
        _refuse(name, f"{what} should be greater than or equal to '{low}'.")
    if high is not None and size > high:
        _refuse(name, f"{what} should be less than or equal to '{high}'.")


def _refuse(name: str, why: str) -> NoReturn:
    raise invalid(f"The provided value for the template parameter '{name}' is not valid. {why}")


def _type_of(declared: Body) -> tuple[str, type]:
    kind = str(declared.get("type", "")).lower()
    if kind not in TYPES:
        raise invalid(f"The template parameter type '{declared.get('type')}' is not supported.")
    return TYPES[kind]


def is_secure(declared: Body) -> bool:
    return str(declared.get("type", "")).lower().startswith("secure")


def shown(declared: Body, scope: Scope) -> Body:
    """Parameters as a deployment shows them: of a secure one its type alone."""
    return {
        name: _with_type(parameter, f"[parameters('{name}')]", scope)
        for name, parameter in declared.items()
    }


def outputs(declared: Body, scope: Scope) -> Body:
    """The outputs of a deployment that has ended well."""
    return {
        name: _with_type(output, output.get("value"), scope)
        for name, output in declared.items()
        if evaluate(output.get("condition", True), scope)
    }


def _with_type(declared: Body, value: Json, scope: Scope) -> Body:
    typed = {"type": _type_of(declared)[0]}
    return typed if is_secure(declared) else {**typed, "value": evaluate(value, scope)}
