"""Write docs/errors.md: what to know of errors, and all of the catalogue.

python -m tests.errors_page
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from patchctl import catalogue

PAGE = Path(__file__).parents[1] / "docs/errors.md"
HEAD = """\
# Errors

Written by `python -m tests.errors_page`; a test fails when it is not up to date.

An error says what failed, where (as far as they are known the step, the resource and Azure's
request id), why, and what to do next. What to do ends in a command that can be run as it stands: in
JSON it is `error.next`. What the failed command was told of its place (`--sandbox`,
`--subscription`, `--config` and the like) is in it.

```console
$ patchctl explain ScopeLocked     # one code: its cause, what to do, who says so
$ patchctl explain                 # all of them
```

`explain` asks nobody, takes codes in any case, and names those that look like an unknown one. Of a
code that is not here the innermost message is shown with the request id, which is what Azure's
support asks for.

## The log of requests

`--debug-log FILE` (or `PATCHCTL_DEBUG_LOG`) appends to a file, readable by you alone, a line of
JSON for each attempt of each request: `at`, `method`, `url`, `status`, `seconds`, `request_id`,
`correlation_id` (one for the whole command), `azure_time`, `retry_after`, and of an error all of
its `errors` with code and message; `failed` where no answer came. A line with `signed_in_for` is a
token that was fetched. Bodies and other headers are not written, and of a URL's query only what is
no key.

## Tokens

A token lasts about an hour, and is fetched anew in time, however long a command waits. Where Azure
does not take one any longer, because it was revoked or this machine's clock is slow, the request is
sent once more with a new one; it had no effect before.

## The codes

`patchctl ...` stands for the command that failed, `NAME` for the deployment.
"""


def page() -> str:
    return "\n".join((HEAD, *_rows(), ""))


def _rows() -> Iterator[str]:
    yield "| Code | Cause | What to do | Source |"
    yield "|---|---|---|---|"
    for entry in map(catalogue.spelled, catalogue.entries().values()):
        yield f"| `{entry.code}` | {entry.cause} | {_command(entry.hint)} | {entry.source} |"


def _command(hint: str) -> str:
    """The command in which a hint ends, set apart."""
    words, found, command = hint.rpartition("patchctl ")
    return f"{words}`{found}{command}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
