"""The loader that installs the probe from source text, and its cache of bytecode between processes."""

import json
import os
import subprocess
import sys

import pytest

SOURCES = os.path.join(os.path.dirname(__file__), "..", "..", "src", "python", "async_health")

PROGRAM = """
import json, sys
space = {"PAYLOAD": open(sys.argv[2]).read()}
exec(open(sys.argv[1]).read(), space)
found = {"answer": space["RESULT"]}
if found["answer"] == "started":
    import asyncio
    from async_health import _ah_core as core, _ah_edited as edited

    async def main():
        await asyncio.sleep(0)
        return 1

    cache = edited.store
    found.update(
        result=asyncio.run(main()),
        compiled=bool(cache.fresh),
        changed=cache.changed,
        known=len(cache.codes),
        edited=len(cache.edited),
        missing=[note for note in core.notes.values() if note["kind"].startswith("hook-")],
    )
print(json.dumps(found))
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
    home = tmp_path / "cache"
    home.mkdir(mode=0o700)

    def run(sources=True, digest="one", **env):
        payload = {"digest": digest, "options": {"sink": "file:" + os.devnull}}
        if sources:
            payload["modules"] = modules
        (tmp_path / "payload.json").write_text(json.dumps(payload), encoding="utf-8")
        known = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        known.update({"XDG_CACHE_HOME": str(home)}, **env)
        names = [str(tmp_path / name) for name in ("program.py", "loader.py", "payload.json")]
        done = subprocess.run([sys.executable] + names, env=known, stdout=subprocess.PIPE, timeout=60, check=True)
        return json.loads(done.stdout.decode())

    run.home = home
    run.modules = modules
    return run


needs_folder = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="the cache's folder is set by another name"
)


@needs_folder
def test_a_short_program_leaves_the_bytecode_for_the_next_one(run):
    first = run()
    assert first["compiled"] is True
    (file,) = run.home.glob("async-health/probe-*.bin")
    assert file.stat().st_mode & 0o077 == 0
    again = run()
    assert again["compiled"] is again["changed"] is False
    # Modules that this program did not import are there as well.
    assert again["known"] == len(run.modules)
    assert again["edited"] == first["edited"] > 20
    assert again["missing"] == first["missing"]


@needs_folder
def test_with_the_bytecode_at_hand_no_sources_are_needed(run):
    assert run(sources=False) == {"answer": "sources"}
    first = run()
    again = run(sources=False)
    assert again == dict(first, compiled=False, changed=False, known=len(run.modules))
    assert run(sources=False, digest="other") == {"answer": "sources"}


@needs_folder
def test_a_damaged_or_foreign_cache_is_not_used(run):
    run()
    (file,) = run.home.glob("async-health/probe-*.bin")
    whole = file.read_bytes()
    for damaged in (b"no bytecode", b"", whole[:-1], whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]):
        file.write_bytes(damaged)
        assert run(sources=False) == {"answer": "sources"}
        assert run()["compiled"] is True
    assert run(sources=False)["answer"] == "started"
    file.chmod(0o666)
    assert run(sources=False) == {"answer": "sources"}
    again = run()
    assert (again["compiled"], again["edited"]) == (True, 0)


@needs_folder
def test_nothing_is_written_where_bytecode_is_unwanted(run):
    run(PYTHONDONTWRITEBYTECODE="1")
    assert not list(run.home.glob("**/*.bin"))


@needs_folder
def test_a_folder_that_cannot_be_made_costs_only_the_time_to_compile(run, tmp_path):
    (tmp_path / "file").write_text("")
    for _ in range(2):
        found = run(XDG_CACHE_HOME=str(tmp_path / "file"))
        assert (found["result"], found["compiled"], found["missing"]) == (1, True, run()["missing"])


LAZY = """
import importlib.util, sys
from async_health import _ah_boot, _ah_imports
_ah_boot.start({"sink": lambda message: None})
ours = ("_ah_trio", "_ah_locks_trio", "_ah_locks_anyio")
there = lambda: [name for name in ours if "async_health." + name in sys.modules]
seen = [there()]
import asyncio, json
seen.append(there())

class Finder:
    # Stands behind ours; what it finds notes what was there when its import began.
    def find_spec(self, name, path=None, target=None):
        if name in ("trio", "anyio"):
            seen.append(there())
        return None

sys.meta_path.insert(1 + sys.meta_path.index(_ah_imports.finder), Finder())
for name in ("trio", "anyio"):
    importlib.util.find_spec(name)
print(json.dumps(seen))
"""


def test_a_librarys_modules_are_loaded_right_before_it():
    env = dict(os.environ, PYTHONPATH=os.path.dirname(SOURCES))
    done = subprocess.run([sys.executable, "-c", LAZY], env=env, stdout=subprocess.PIPE, timeout=60, check=True)
    trio = ["_ah_trio", "_ah_locks_trio"]
    assert json.loads(done.stdout.decode()) == [[], [], trio, trio + ["_ah_locks_anyio"]]
