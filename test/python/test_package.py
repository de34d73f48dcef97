"""`src/python` is a package that pip installs, for programs that import async_health without a debugger."""

import subprocess
import sys

import pytest
from conftest import SOURCE


def test_the_folder_installs_as_a_package(tmp_path):
    import shutil

    setuptools = pytest.importorskip("setuptools", minversion="61")
    if int(setuptools.__version__.split(".")[0]) < 71:
        pytest.importorskip("wheel")  # part of setuptools since 70.1
    copy = tmp_path / "python"
    shutil.copytree(SOURCE, str(copy), ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    target = tmp_path / "target"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-build-isolation", "--no-deps"]
    done = subprocess.run(command + ["--target", str(target), str(copy)], capture_output=True, text=True, timeout=120)
    if done.returncode and "No module named pip" in done.stderr:
        pytest.skip("no pip in this environment")
    assert done.returncode == 0, done.stderr
    code = "import async_health, sys; assert async_health.__file__.startswith(sys.argv[1]); print(async_health.AsyncDebugger().list_sessions())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(target)},
        cwd=str(tmp_path),
        timeout=60,
    )
    assert done.stdout.strip() == "[]", done.stderr
