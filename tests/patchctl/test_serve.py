"""`patchctl sandbox serve` and `sandbox env`, as a process and a shell meet them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from arm_sandbox.store import Store
from patchctl.cli import main
from patchctl.errors import Exit

pytestmark = pytest.mark.slow

PATCHCTL = (sys.executable, "-c", "from patchctl.cli import main; main()")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory whose name a shell could stumble over."""
    place = tmp_path / "it's a $HOME"
    monkeypatch.setenv("PATCHCTL_SANDBOX_DIR", str(place))
    return place


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server of its own process, and what it said first."""
    command = (*PATCHCTL, "sandbox", "serve", "--port", "0", *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that ends with 1 says."""
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert end.value.code == Exit.FAILED
    return capsys.readouterr().err


def variables(shell: str) -> dict[str, str]:
    """What a shell has after it has evaluated the lines."""
    script = f"{shell}; {sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert all(line.startswith("SANDBOX in ") for line in done.stderr.splitlines())
    loaded: dict[str, str] = json.loads(done.stdout)
    return loaded


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_a_server_from_its_first_line_to_its_last(
    directory: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record = tmp_path / "record.jsonl"
    with serving("--record", str(record), "--real-time") as (process, first):
        url = re.search(
            r"SANDBOX served at (https://127\.0\.0\.1:\d+), to this machine only", first
        )
        assert url is not None, first

        words = " ".join(f"'{word}'" for word in PATCHCTL)
        shell = variables(f'eval "$({words} sandbox env)"')
        assert shell["PATCHCTL_ENDPOINT"] == shell["AZURE_AUTHORITY_HOST"] == url[1]
        assert shell["REQUESTS_CA_BUNDLE"] == str(directory / "server" / "ca.pem")
        assert shell["PATCHCTL_SANDBOX"] == "false"
        done = subprocess.run(
            [*PATCHCTL, "list"], env=shell, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert f"SANDBOX at {url[1]}" in done.stderr

        assert url[1] in refused(capsys, "sandbox", "serve", "--port", "0")
        told = refused(capsys, "sandbox", "outbox")
        assert f"served at {url[1]} (process {process.pid})" in told
        assert "code: SandboxInUse" in told
        assert told.endswith("patchctl sandbox env\n")

        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert process.stdout.read().endswith(f"Stopped. The world is kept in {directory}\n")
    assert Store(directory).load().now > 1_700_000_000
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert lines[0]["path"] == "/metadata/endpoints"
    assert any(line["path"].endswith("/oauth2/v2.0/token") for line in lines)
    assert shell["AZURE_CLIENT_SECRET"] not in record.read_text(encoding="utf-8")
    assert "eyJ" not in record.read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
def test_ctrl_c_ends_it_without_a_word_of_python(directory: Path) -> None:
    with serving() as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert not (directory / "server" / "serving.json").exists()


def test_without_a_server_there_is_nothing_to_print(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, "sandbox", "env")
    assert "No server serves the sandbox" in told
    assert "code: NotServed" in told
    assert told.endswith("patchctl sandbox serve\n")


def test_a_port_that_is_taken(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = refused(capsys, "sandbox", "serve", "--port", port)
    assert f"Port {port} of 127.0.0.1 cannot be had" in told
    assert "code: PortTaken" in told
    assert told.endswith("patchctl sandbox serve --port 0\n")


def test_powershell_is_told_in_its_own_language(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving():
        with pytest.raises(SystemExit) as end:
            main(["sandbox", "env", "--shell", "powershell"])
        assert end.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    bundle = str(directory / "server" / "ca.pem").replace("'", "''")
    assert f"$env:REQUESTS_CA_BUNDLE = '{bundle}'" in lines
    assert all(re.fullmatch(r"\$env:\w+ = '([^']|'')*'", line) for line in lines)
