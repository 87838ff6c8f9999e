"""A sandbox that is being served, and the real az, installed once and signed in."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from tests.az.shell import PATCHCTL, Shell

VERSION = "2.91.0"
"""Of azure-cli; what it sends is in the recording, so it is not left to chance."""
WHERE = "PATCHCTL_AZ_VENV"
RECORDING = Path(__file__).with_name("recording.jsonl.gz")
TELLING = (
    *("accept", "content-type", "if-match", "if-none-match", "user-agent"),
    *("commandname", "parametersetname"),
)
SPEED = 600
SIGN_IN = Path(__file__).parents[2] / "examples" / "sign-in-az.sh"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.az)


@pytest.fixture(scope="session")
def azure_cli() -> Path:
    """The directory of `az`, in a virtual environment of its own that is kept: it takes 730 MB."""
    kept = os.environ.get(WHERE) or platformdirs.user_cache_path("patchctl") / f"az-{VERSION}"
    scripts = Path(kept) / ("Scripts" if os.name == "nt" else "bin")
    if not list(scripts.glob("az*")):
        subprocess.run([sys.executable, "-m", "venv", str(kept)], check=True)
        install = (str(scripts / "python"), "-m", "pip", "install", "--quiet")
        subprocess.run([*install, f"azure-cli=={VERSION}"], check=True)
    return scripts


@pytest.fixture(scope="session")
def shell(
    azure_cli: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Shell]:
    """A shell that is signed in to a world of its own. What was said is kept, if all went well."""
    directory = tmp_path_factory.mktemp("sandbox")
    record = directory / "record.jsonl"
    variables = {
        "PATCHCTL_SANDBOX_DIR": str(directory),
        "PATH": os.pathsep.join((str(azure_cli), os.environ["PATH"])),
    }
    serve = (PATCHCTL, "sandbox", "serve", "--port", "0", "--speed", str(SPEED))
    command = [*map(str, serve), "--record", str(record)]
    with subprocess.Popen(command, env={**os.environ, **variables}) as server:
        try:
            shell = Shell(variables | _environment(Shell(variables), server))
            signed_in = shell.run("bash", SIGN_IN)
            assert signed_in.code == 0, signed_in.err
            yield shell
        finally:
            server.terminate()
    if request.session.testsfailed == 0 and request.config.getoption("--record-az"):
        _keep(record)


def _environment(shell: Shell, server: subprocess.Popen[bytes]) -> dict[str, str]:
    """What `patchctl sandbox env` prints, once the server is up."""
    for _ in range(60):
        ended = shell.run(PATCHCTL, "sandbox", "env")
        if ended.code == 0:
            lines = (shlex.split(line)[1] for line in ended.out.splitlines())
            return dict(line.split("=", 1) for line in lines)
        assert server.poll() is None, "the server has ended"
        time.sleep(0.5)
    raise AssertionError("the server did not come up")


def _keep(record: Path) -> None:
    """Of the headers that tell what was asked, not who on which machine did."""
    with record.open(encoding="utf-8") as said, gzip.GzipFile(RECORDING, "wb", mtime=0) as kept:
        for exchange in map(json.loads, said):
            headers = exchange["request"]["headers"]
            headers = {name: headers[name] for name in TELLING if name in headers}
            if "user-agent" in headers:
                headers["user-agent"] = re.sub(r" \([^)]*\)", "", headers["user-agent"])
            exchange["request"]["headers"] = headers
            kept.write(f"{json.dumps(exchange)}\n".encode())
