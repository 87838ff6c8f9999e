"""What properties a resource may have, as the SDK's own model metadata knows them.

The metadata has private names (`_attr_to_rest_field`, `_attribute_map`, `_validation`): there is no
public way to ask a model what it knows. A test pins that both generations still answer.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from arm_sandbox.wire import Refusal

Known = dict[str, "Property"]
"""The properties of one level of a body, by lower-cased name."""


@dataclass(frozen=True)
class Property:
    """One property on the wire; `known` gives the level below it, None where anything goes."""

    readonly: bool = False
    known: Callable[[], Known] | None = None


def accept(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body without its read-only properties, which Azure ignores.

    `model` is `module:class`. Raises a Refusal that names all unknown properties at once.
    """
    module, _, name = model.partition(":")
    unknown: list[str] = []
    known = properties(getattr(importlib.import_module(module), name))
    accepted = _accept(known, body, "", unknown)
    if unknown:
        raise Refusal(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: 'Could not find member "
            + ", ".join(f"'{path}'" for path in unknown)
            + f" on object of type '{name}'.'.",
        )
    return accepted


def _accept(known: Known, body: dict[str, Any], path: str, unknown: list[str]) -> dict[str, Any]:
    accepted: dict[str, Any] = {}
    for key, value in body.items():
        here = f"{path}.{key}" if path else key
        found = known.get(key.lower())
        if found is None:
            unknown.append(here)
        elif not found.readonly:
            accepted[key] = _accept_value(found, value, here, unknown)
    return accepted


def _accept_value(found: Property, value: Any, path: str, unknown: list[str]) -> Any:
    if found.known is None:
        return value
    if isinstance(value, list):
        return [_accept_value(found, item, f"{path}[{i}]", unknown) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return _accept(found.known(), value, path, unknown)
    return value


@cache
def properties(model: Any) -> Known:
    """What a model class of either generation knows."""
    if hasattr(model, "_attribute_map"):
        return _of_old_model(model)
    model()  # the metadata of a hybrid model is filled when it is first instantiated
    return {
        field._rest_name.lower(): Property(field._visibility == ["read"], _known_by(field._type))
        for field in model._attr_to_rest_field.values()
    }


def _known_by(deserializer: Any) -> Callable[[], Known] | None:
    """Find the model inside a field's nested `partial(deserialize, ...)`; mappings take any key."""
    if getattr(deserializer, "_is_model", False):
        return partial(properties, deserializer)
    if isinstance(deserializer, partial) and deserializer.func.__name__ != "_deserialize_dict":
        found = (_known_by(argument) for argument in deserializer.args)
        return next((known for known in found if known is not None), None)
    return None


def _of_old_model(model: Any) -> Known:
    """The older generation flattens: `properties.maintenanceWindow.duration` is one attribute."""
    package = importlib.import_module(model.__module__.rsplit(".", 1)[0])
    tree: dict[str, Any] = {}
    for attribute, entry in model._attribute_map.items():
        *parents, leaf = entry["key"].replace("\\.", "\0").lower().split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        validation = model._validation.get(attribute, {})
        node[leaf.replace("\0", ".")] = _old_property(package, entry["type"], validation)
    return _levels(tree)


def _old_property(package: Any, kind: str, validation: dict[str, Any]) -> Property:
    readonly = bool(validation.get("readonly"))
    model = getattr(package, kind.strip("[]"), None)
    if model is None or not hasattr(model, "_attribute_map"):
        return Property(readonly)
    return Property(readonly, partial(properties, model))


def _levels(tree: dict[str, Any]) -> Known:
    return {
        name: found if isinstance(found, Property) else Property(known=partial(_levels, found))
        for name, found in tree.items()
    }
