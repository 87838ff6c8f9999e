"""Resource ids: taking one apart, and comparing them as Azure does, without regard to case."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache


@dataclass(frozen=True)
class Id:
    """A parsed path. `name` is empty for a collection; `group` and `namespace` for wider scopes."""

    text: str
    subscription: str = ""
    group: str = ""
    scope: str = ""
    """What the last `/providers/` hangs on: a subscription, a group or another resource."""
    namespace: str = ""
    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @cached_property
    def type(self) -> str:
        return "/".join((self.namespace, *self.types))

    @property
    def name(self) -> str:
        return self.names[-1] if len(self.names) == len(self.types) and self.names else ""

    @property
    def parent(self) -> str:
        """The id of the resource that a child (a subnet), or a list of children, belongs to."""
        return self.text.rsplit("/", 2 if self.name else 1)[0]

    @property
    def key(self) -> str:
        return self.text.lower()


@lru_cache(maxsize=4096)
def parse(path: str) -> Id:
    """Take an ARM path apart; what does not follow the pattern leaves the later fields empty."""
    head, separator, tail = _cut_at_last_providers(path)
    parts = head.strip("/").split("/")
    lowered = [part.lower() for part in parts]
    subscription = parts[1] if len(parts) > 1 and lowered[0] == "subscriptions" else ""
    group = parts[3] if len(parts) > 3 and lowered[2] == "resourcegroups" else ""
    if not separator:
        return Id(path, subscription, group, scope=head)
    namespace, *rest = tail.split("/")
    return Id(path, subscription, group, head, namespace, tuple(rest[0::2]), tuple(rest[1::2]))


def _cut_at_last_providers(path: str) -> tuple[str, str, str]:
    at = path.lower().rfind("/providers/")
    return (path, "", "") if at < 0 else (path[:at], "/", path[at + len("/providers/") :])


def same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def within(id: str, scope: str) -> bool:
    """Whether an id is the scope itself or lies below it."""
    return (id.lower() + "/").startswith(scope.lower().rstrip("/") + "/")
