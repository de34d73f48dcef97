"""The loader that installs the probe from source text, and its cache of bytecode between processes."""

import json
import os
import subprocess
import sys

import pytest

SOURCES = os.path.join(os.path.dirname(__file__), "..", "..", "src", "python", "async_health")

PROGRAM = """
import json, sys
exec(open(sys.argv[1]).read(), {"PAYLOAD": open(sys.argv[2]).read()})
cache = next(one for one in sys.meta_path if type(one).__name__ == "ProbeLoader").cache
print(json.dumps({"compiled": cache.changed, "known": len(cache.codes)}))
"""


@pytest.fixture
def run(tmp_path):
    """Runs a program that ends at once, with the probe loaded from text; gives what the loader's cache says."""
    modules = {}
    for name in sorted(os.listdir(SOURCES)):
        if name.endswith(".py"):
            with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
                modules[name[:-3]] = file.read()
    (tmp_path / "loader.py").write_text(modules.pop("_ah_loader"), encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    payload = {"modules": modules, "options": {"sink": "file:" + os.devnull}}
    (tmp_path / "payload.json").write_text(json.dumps(payload), encoding="utf-8")
    home = tmp_path / "cache"
    home.mkdir(mode=0o700)

    def run(**env):
        known = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        known.update(env, XDG_CACHE_HOME=str(home))
        names = [str(tmp_path / name) for name in ("program.py", "loader.py", "payload.json")]
        done = subprocess.run([sys.executable] + names, env=known, stdout=subprocess.PIPE, timeout=60, check=True)
        return json.loads(done.stdout.decode())

    run.home = home
    return run


needs_folder = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="the cache's folder is set by another name"
)


@needs_folder
def test_a_short_program_leaves_the_bytecode_for_the_next_one(run):
    assert run()["compiled"] is True
    (file,) = run.home.glob("async-health/probe-*.bin")
    assert file.stat().st_mode & 0o077 == 0
    again = run()
    assert again["compiled"] is False
    assert again["known"] > 20


@needs_folder
def test_a_damaged_or_foreign_cache_is_not_used(run):
    run()
    (file,) = run.home.glob("async-health/probe-*.bin")
    file.write_bytes(b"no bytecode")
    assert run()["compiled"] is True
    file.chmod(0o666)
    assert run()["compiled"] is True


@needs_folder
def test_nothing_is_written_where_bytecode_is_unwanted(run):
    run(PYTHONDONTWRITEBYTECODE="1")
    assert not list(run.home.glob("**/*.bin"))
