"""The served sandbox under load: 64 clients by locust, which make GET and PUT, and its memory.

Also requests per second for GET of a resource, as a ratio to the same ASGI server answering a
constant over the same TLS, in interleaved rounds. Everything stays on the loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from azure.identity import ClientSecretCredential

from arm_sandbox.environment import environment
from arm_sandbox.serving import Serving, serving

HERE = Path(__file__).parent
CLIENTS = 64
LONGEST = 120
"""Seconds after which a round ends in any case."""
PATCHCTL = (sys.executable, "-c", "from patchctl.cli import main; main()")
BODY = json.dumps(
    {
        "id": "/subscriptions/5a4d0000-0000-4000-8000-000000000001/resourceGroups/rg",
        "name": "rg",
        "type": "Microsoft.Resources/resourceGroups",
        "location": "eastus",
        "properties": {"provisioningState": "Succeeded"},
    }
).encode()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]


async def constant(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """The ASGI application that the sandbox is measured against."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


@contextmanager
def process(*command: str, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    variables = {**os.environ, "PATCHCTL_SANDBOX_DIR": str(directory)}
    with subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL) as running:
        try:
            yield running
        finally:
            running.terminate()


def announced(directory: Path) -> Serving:
    """The server's own note, once it is there."""
    for _ in range(200):
        if told := serving(directory):
            return told
        time.sleep(0.05)
    raise RuntimeError("the sandbox has not begun to serve")


def token(directory: Path, told: Serving) -> str:
    given = environment(directory, told)
    with ClientSecretCredential(
        given["AZURE_TENANT_ID"],
        given["AZURE_CLIENT_ID"],
        given["AZURE_CLIENT_SECRET"],
        authority=told.url,
        disable_instance_discovery=True,
        connection_verify=given["REQUESTS_CA_BUNDLE"],
    ) as credential:
        return credential.get_token("https://management.azure.com/.default").token


@dataclass(frozen=True)
class Round:
    made: int
    failed: int
    rate: float
    """Requests a second."""


Load = Callable[..., Round]


def load(url: str, *, token: str, told: Serving, requests: int, writes: bool) -> Round:
    """One round of requests by all clients."""
    with tempfile.TemporaryDirectory() as place:
        variables = {
            **os.environ,
            "LOAD_TOKEN": token,
            "LOAD_GROUPS": f"/subscriptions/{told.subscription}/resourceGroups",
            "LOAD_REQUESTS": str(requests),
            "LOAD_WRITES": str(int(writes)),
        }
        command = [sys.executable, "-m", "locust", "-f", str(HERE / "load.py"), "--headless"]
        command += ["-u", str(CLIENTS), "-r", str(CLIENTS), "-t", f"{LONGEST}s", "--host", url]
        command += ["--json-file", f"{place}/result", "--exit-code-on-error", "0"]
        subprocess.run(command, env=variables, check=True, capture_output=True)
        results = json.loads(Path(f"{place}/result.json").read_text(encoding="utf-8"))
    began = min(result["start_time"] for result in results)
    ended = max(result["last_request_timestamp"] for result in results)
    made, failed = (sum(result[n] for result in results) for n in ("num_requests", "num_failures"))
    return Round(made, failed, made / (ended - began))


def megabytes(process: int) -> float:
    asked = ["ps", "-o", "rss=", "-p", str(process)]
    return int(subprocess.run(asked, check=True, capture_output=True).stdout) / 1024


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


def under_load(told: Serving, ask: Load, rounds: int) -> None:
    ask(told.url, writes=True)  # makes the groups; what is not there yet fails to be read
    print(f"memory before: {megabytes(told.process):.0f} MB")
    for _ in range(rounds):
        seen = ask(told.url, writes=True)
        print(
            f"GET and PUT by {CLIENTS} clients: {seen.made} requests, {seen.failed} failed, "
            f"{seen.rate:.0f} a second; memory {megabytes(told.process):.0f} MB"
        )


def ratio(told: Serving, ask: Load, rounds: int, directory: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "serve:constant", "--app-dir", str(HERE)]
    command += ["--ssl-certfile", str(directory / "server" / "server.pem"), "--port", str(port)]
    command += ["--log-level", "warning", "--no-access-log", "--no-server-header"]
    with process(*command, directory=directory):
        time.sleep(2)
        rates = [
            (ask(told.url, writes=False).rate, ask(f"https://127.0.0.1:{port}", writes=False).rate)
            for _ in range(rounds)
        ]
    for sandbox, plain in rates:
        print(f"GET: {sandbox:.0f} a second, a constant {plain:.0f}: {sandbox / plain:.2f}")
    print(f"median ratio: {statistics.median(sandbox / plain for sandbox, plain in rates):.2f}")


def report(requests: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        (directory / "load.toml").write_text("throttling = false", encoding="utf-8")
        reset = (*PATCHCTL, "sandbox", "reset", "--with", f"{directory}/load.toml")
        with process(*reset, directory=directory) as resetting:
            resetting.wait()
        serve = (*PATCHCTL, "sandbox", "serve", "--port", "0")
        with process(*serve, directory=directory):
            told = announced(directory)
            ask = partial(load, token=token(directory, told), told=told, requests=requests)
            under_load(told, ask, rounds)
            ratio(told, ask, rounds, directory)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    report(given.requests, given.rounds)
