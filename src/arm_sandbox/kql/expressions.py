"""From the tree of a scalar expression to something that answers for each row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter

from arm_sandbox.kql import bags, functions, syntax, values
from arm_sandbox.kql.errors import unfit, unknown_column
from arm_sandbox.kql.operators import OPERATORS
from arm_sandbox.kql.syntax import Call, Column, Literal, Member, Operation
from arm_sandbox.kql.typed import Columns, Typed, combined, constant

NAMED_AFTER_ARGUMENT = {*functions.CASTS, "bin", "floor"} - {"parse_json"}
"""Functions whose result is called like their first argument, if nobody names it."""


@dataclass(frozen=True)
class Scope:
    """What an expression can see: the columns of its relation, the time, and where it stands."""

    columns: Columns
    now: int
    step: str

    def ready(self, expression: syntax.Expression) -> Typed:
        """Raises QueryError where names, types or numbers of arguments do not fit."""
        return READERS[type(expression)](self, expression)

    def condition(self, expression: syntax.Expression) -> Typed:
        found = self.ready(expression)
        if found.type != "bool":
            raise unfit(f"'{self.step}' operator: Filter expression should be Boolean")
        return found

    def key(self, expression: syntax.Expression) -> Typed:
        """An expression that rows are grouped, ordered or joined by: never a dynamic one."""
        found = self.ready(expression)
        if found.type == "dynamic":
            name = name_of(expression) or "the key"
            raise unfit(
                f"'{self.step}' operator: {name} is of a 'dynamic' type. Please use an explicit "
                "cast, as this is not supported for a 'dynamic' type."
            )
        return found


def name_of(expression: syntax.Expression) -> str:
    """The name of a column that nobody has named; empty where Kusto counts them instead."""
    if isinstance(expression, Column):
        return expression.name
    if isinstance(expression, Member) and isinstance(expression.key, Literal):
        base = name_of(expression.of)
        return f"{base}_{expression.key.value}" if base else ""
    if isinstance(expression, Call) and expression.name in NAMED_AFTER_ARGUMENT:
        first = expression.arguments[0] if expression.arguments else None
        return (first.name or name_of(first.expression)) if first is not None else ""
    return ""


def _literal(scope: Scope, literal: Literal) -> Typed:
    return constant(literal.type, literal.value)


def _column(scope: Scope, column: Column) -> Typed:
    if column.name not in scope.columns:
        raise unknown_column(scope.step, column.name)
    return Typed(scope.columns[column.name], itemgetter(column.name))


def _star(scope: Scope, star: syntax.Star) -> Typed:
    raise unfit(f"'{scope.step}' operator: '*' cannot stand here.")


def _member(scope: Scope, member: Member) -> Typed:
    of, key = scope.ready(member.of), scope.ready(member.key)
    if of.type != "dynamic":
        raise unfit(f"'{scope.step}' operator: a {of.type} has nothing inside to be named.")
    if key.type not in ("string", "int", "long"):
        raise unfit(f"'{scope.step}' operator: a {key.type} names nothing inside a value.")
    return combined("dynamic", bags.at, [of, key])


def _call(scope: Scope, call: Call) -> Typed:
    functions.require(call.name)
    arguments = [scope.ready(argument.expression) for argument in call.arguments]
    return functions.call(call.name, arguments, scope.now)


def _operation(scope: Scope, operation: Operation) -> Typed:
    operands = [scope.ready(operand) for operand in operation.operands]
    return OPERATORS[operation.operator](operation.operator, *operands)


READERS: dict[type, Callable[..., Typed]] = {
    Literal: _literal,
    Column: _column,
    syntax.Star: _star,
    Member: _member,
    Call: _call,
    Operation: _operation,
}


def known_type(name: str, step: str) -> str:
    """A type by any of its names. Raises QueryError."""
    if name not in values.LITERALS:
        raise unfit(f"'{step}' operator: '{name}' is no type.")
    return values.LITERALS[name]
