"""Why a query is refused, in the words of the service where they are known."""

from __future__ import annotations

from typing import Any

INVALID = {
    "code": "InvalidQuery",
    "message": "Query is invalid. Please refer to the documentation for the Azure Resource Graph "
    "service and fix the error before retrying.",
}


class QueryError(Exception):
    """A query that is not answered; `details` are those of the service's error."""

    def __init__(self, *details: dict[str, Any]) -> None:
        super().__init__("; ".join(str(each["message"]) for each in details))
        self.details = details


def unparsed(line: int, position: int, token: str, expected: str = "") -> QueryError:
    """The query does not follow the grammar; `position` counts from 0 in its line (recorded)."""
    failure = {
        "code": "ParserFailure",
        "message": "ParserFailure",
        "line": line,
        "characterPositionInLine": position,
        "token": token,
    }
    return QueryError(INVALID, {**failure, "expectedToken": expected} if expected else failure)


def unknown_operator(name: str) -> QueryError:
    """An operator of Kusto that Resource Graph does not have (azure-powershell#13762)."""
    detail = {"code": "InvalidQueryLanguage", "message": "InvalidQueryLanguage", "token": name}
    return QueryError(INVALID, {**detail, "line": -1, "characterPositionInLine": -1})


def unknown_table(name: str) -> QueryError:
    """Seen alone among the details (Azure/azqr#847)."""
    message = f"Table {name} is invalid, unsupported or disallowed."
    return QueryError({"code": "DisallowedLogicalTableName", "message": message})


def unknown_function(name: str) -> QueryError:
    return invalid("UnknownFunction", f"Unknown function: '{name}'.")


def unknown_column(step: str, name: str) -> QueryError:
    """The wording is reported (Azure/review-checklists#1002), the code of it is not."""
    message = f"Failed to resolve column or scalar expression named '{name}'"
    return unfit(f"'{step}' operator: {message}")


def unfit(message: str) -> QueryError:
    """A query that can be read and makes no sense: types, names, numbers of arguments."""
    return invalid("Default", message)


def unsupported_join(kind: str) -> QueryError:
    """The wording is reported (azure-docs#45495)."""
    message = f'The join kind "{kind}" is not supported or not allowed.'
    return invalid("UnsupportedJoinFlavor", message)


def invalid(code: str, message: str) -> QueryError:
    return QueryError(INVALID, {"code": code, "message": message})
