"""Stub, being written."""
from __future__ import annotations
from email.message import EmailMessage
from typing import Any
def message(mail: dict[str, Any]) -> EmailMessage:
    raise NotImplementedError
