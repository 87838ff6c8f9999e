"""Refusals that Compute words alike wherever they come from."""

from __future__ import annotations

from typing import NoReturn

from arm_sandbox.wire import Refusal


def invalid(message: str, target: str) -> NoReturn:
    raise Refusal(400, "InvalidParameter", message, target=target)


def missing(parameter: str) -> NoReturn:
    invalid(f"Required parameter '{parameter}' is missing (null).", parameter)
