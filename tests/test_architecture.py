"""Who may import whom, and what the source must not contain."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
STEPS = sorted(p for p in (SOURCE / "patchctl/steps").glob("*.py") if p.name != "__init__.py")
FOR_STEPS = ("azure.core", "cryptography", "patchctl.schedule")
FOR_STEPS_EXACTLY = (
    "patchctl.access",
    "patchctl.actions",
    "patchctl.alert_queries",
    "patchctl.clients",
    "patchctl.deployment",
    "patchctl.report",
    "patchctl.errors",
    "patchctl.keeper",
    "patchctl.machine_settings",
    "patchctl.machines",
    "patchctl.many",
    "patchctl.remembered",
    "patchctl.template_spec",
    "patchctl.translation",
)
LIGHT = ("cli", "config", "deployment", "engine", "errors", "report")
PURE = (
    "explanation",
    "figures",
    "history",
    "ledger",
    "machines",
    "observation",
    "queries",
    "status",
)
DOORS = {"patchctl/clients.py", "patchctl/cli/sandbox.py", "patchctl/rehearsal.py"}


def files(under: str) -> list[Path]:
    place = SOURCE / under
    found = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert found
    return found


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import, wherever in the file it stands."""
    return set(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            module = node.module or ""
            yield module
            yield from (
                f"{module}.{alias.name}"
                for alias in node.names
                if _is_module(f"{module}.{alias.name}")
            )


def _is_module(name: str) -> bool:
    place = SOURCE / name.replace(".", "/")
    return place.is_dir() or place.with_suffix(".py").exists()


def is_in(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def offenders(under: str, *packages: str) -> list[str]:
    return [
        f"{path.relative_to(SOURCE)} imports {module}"
        for path in files(under)
        for module in sorted(imported(path))
        if is_in(module, *packages)
    ]


def test_the_sandbox_knows_nothing_of_patchctl() -> None:
    assert offenders("arm_sandbox", "patchctl") == []


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_a_step_imports_models_and_our_ground_only(path: Path) -> None:
    for module in imported(path) - {"patchctl"}:
        allowed = (
            module.split(".")[0] in sys.stdlib_module_names
            or is_in(module, *FOR_STEPS)
            or module in FOR_STEPS_EXACTLY
            or (module.startswith("azure.mgmt.") and module.endswith(".models"))
        )
        assert allowed, f"{path.name} imports {module}"


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_a_step_offers_what_a_step_must(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
    assert {"inspect", "apply"} <= functions


def test_views_never_touch_the_sdk_or_what_drives_them() -> None:
    banned = ("azure", "patchctl.cli", "patchctl.engine", "patchctl.steps", "patchctl.clients")
    assert offenders("patchctl/views", *banned) == []


def test_the_engine_knows_neither_the_sdk_nor_the_terminal() -> None:
    banned = ("azure", "rich", "typer", "patchctl.cli", "patchctl.views")
    assert offenders("patchctl/engine.py", *banned) == []


@pytest.mark.parametrize("name", PURE)
def test_what_is_judged_and_counted_is_plain_data(name: str) -> None:
    banned = ("azure", "rich", "typer", "patchctl.cli", "patchctl.views", "patchctl.clients")
    assert offenders(f"patchctl/{name}.py", *banned) == []


def test_nothing_but_the_command_line_imports_it() -> None:
    outer = (SOURCE / "patchctl/cli", SOURCE / "patchctl/__main__.py")
    inner = [p for p in files("patchctl") if not any(map(p.is_relative_to, outer))]
    assert [p.name for p in inner for module in imported(p) if is_in(module, "patchctl.cli")] == []


@pytest.mark.parametrize("name", LIGHT)
def test_no_sdk_is_loaded_by_importing(name: str) -> None:
    code = (
        f"import sys, patchctl.{name}; "
        "print(*(m for m in sys.modules if m.split('.')[0] in ('azure', 'msrest', 'arm_sandbox')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []


def test_the_sandbox_is_entered_by_three_doors_only() -> None:
    entering = {
        path.relative_to(SOURCE).as_posix()
        for path in files("patchctl")
        if any(is_in(module, "arm_sandbox") for module in imported(path))
    }
    assert entering <= DOORS


def test_nothing_is_mocked() -> None:
    everything = [*SOURCE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    mocking = [p for p in everything if any("mock" in m.split(".") for m in imported(p))]
    assert mocking == []


def test_no_check_is_switched_off() -> None:
    marks = ("type: " + "ignore", "no" + "qa")
    found = [
        f"{path.relative_to(SOURCE)}: {mark}"
        for path in SOURCE.rglob("*.py")
        for mark in marks
        if mark in path.read_text(encoding="utf-8")
    ]
    assert found == []
