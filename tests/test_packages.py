"""Wheel and sdist hold all that is needed: installed, they run where no source tree is."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
BIN = "Scripts" if os.name == "nt" else "bin"


def run(*words: str | Path, place: Path) -> str:
    """Run where nothing of this checkout is seen."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables = {**kept, "PATCHCTL_SANDBOX": "1", "PATCHCTL_STATE_DIR": str(place / "state")}
    done = subprocess.run(
        words, cwd=place, env=variables, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--outdir", place / "dist", ROOT, place=place)
    return place / "dist"


Installed = Callable[[str], Path]


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Puts a package into a virtual environment that has nothing else of ours."""
    place = tmp_path_factory.mktemp("clean")
    venv.create(place / "venv", with_pip=True)
    pip = (place / "venv" / BIN / "python", "-m", "pip")

    def install(ending: str) -> Path:
        [package] = built.glob(f"*{ending}")
        run(*pip, "uninstall", "--yes", "patchctl", place=place)
        run(*pip, "install", "--quiet", package, place=place)
        return place / "venv" / BIN

    return install


@pytest.mark.parametrize("ending", [".whl", ".tar.gz"])
def test_it_runs_from_a_clean_folder(installed: Installed, ending: str, tmp_path: Path) -> None:
    bin = installed(ending)
    where = "import arm_sandbox, patchctl; print(arm_sandbox.__file__, patchctl.__file__)"
    assert str(ROOT) not in run(bin / "python", "-c", where, place=tmp_path)
    patchctl = bin / "patchctl"
    for called in ((patchctl,), (bin / "python", "-m", "patchctl")):
        assert run(*called, "--version", place=tmp_path).startswith("patchctl ")
    for line in (
        "deploy --email you@example.com",
        "validate",
        "sandbox advance --to next-window",
        "sandbox advance --by 6h",
        "report --out report.html",
        "explain ScopeLocked",
        "destroy --yes",
    ):
        run(patchctl, *line.split(), place=tmp_path)
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_packages_hold_the_typing_marks_and_no_rubbish(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    [sdist] = built.glob("*.tar.gz")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"patchctl/py.typed", "arm_sandbox/py.typed"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"patchctl", "arm_sandbox"}
    with tarfile.open(sdist) as archive:
        inner = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "docs/security.md"} <= inner
    assert not [name for name in inner | names if "__pycache__" in name or name.endswith(".pyc")]
