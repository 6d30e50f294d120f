"""The registry: version numbers, torn files, and kills while it is written."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from planrun.trouble import Trouble
from planrun_ml.release import registry
from planrun_ml.self_test.conftest import ask, edit, gate


def entry(digest: str, **other: str) -> dict:
    """A version made from one hash, as far as the registry cares."""
    hashes = dict.fromkeys(registry.HASHES, digest) | other
    return {"kind": "model", "interface": "one", "hashes": hashes, "files": {"model": {"path": "m", "sha256": digest}}}


def test_versions_say_what_changed(tmp_path: Path) -> None:
    """Patch for new data, minor for new code, major for another interface; the same hashes are the same version."""
    first = registry.register(tmp_path, entry("a"))
    again = registry.register(tmp_path, entry("a"))
    patch = registry.register(tmp_path, entry("a", data="b"))
    minor = registry.register(tmp_path, entry("a", code="c"))
    major = registry.register(tmp_path, entry("a", data="d") | {"interface": "two"})

    assert (first, again, patch, minor, major) == ("1.0.0", "1.0.0", "1.0.1", "1.1.0", "2.0.0")
    assert registry.version_problems(registry.read(tmp_path)) == []


def test_a_wrong_number_is_named(released: Path) -> None:
    """New data under a major number."""

    def plant(found: dict) -> None:
        model = found["models"]["1.0.0"]
        found["models"]["2.0.0"] = model | {"version": "2.0.0", "hashes": model["hashes"] | {"data": "other"}}

    edit(released / registry.PATH, plant)

    assert gate(released, "G6.6").state == "fail"
    assert "should be 1.0.1" in gate(released, "G6.6").reason


def test_rolling_back_twice_ends_at_the_rule(tmp_path: Path) -> None:
    """Each rollback goes to the newest version that was not withdrawn."""
    registry.register(tmp_path, entry("r") | {"version": registry.BASELINE, "kind": "rule"}, alias="baseline")
    for digest in ("a", "b"):
        registry.promote(tmp_path, registry.register(tmp_path, entry(digest)), by="me", reason="test")

    assert registry.roll_back(tmp_path, by="me", reason="bad") == ("1.1.0", "1.0.0")
    assert registry.roll_back(tmp_path, by="me", reason="bad") == ("1.0.0", registry.BASELINE)
    with pytest.raises(Trouble, match="No version stands behind"):
        registry.roll_back(tmp_path, by="me", reason="bad")


def test_a_torn_registry_is_one_sentence(released: Path) -> None:
    """Half a file is named, with the command that brings it back."""
    (released / registry.PATH).write_text('{"format": 1, "aliases": {"champion":')
    code, said = ask(released, "triage")

    assert code == 1
    assert "registry/models.json cannot be read" in said
    assert "git checkout" in said


@pytest.mark.parametrize("lost", ["hashes", "files", "kind", "interface"])
def test_an_entry_that_was_cut_short_is_one_sentence(released: Path, lost: str) -> None:
    """No gate that reads the registry speaks in the words of Python; each names the entry, and the way back."""
    edit(released / registry.PATH, lambda found: found["models"]["1.0.0"].pop(lost))

    for name in ("G4.6", "G5.3", "G6.2"):
        found = gate(released, name)
        assert found.state in ("fail", "blocked")
        assert f'registry/models.json was cut short: 1.0.0 has no "{lost}".' in found.reason
        assert "git checkout" in found.next_step


def test_a_hash_that_was_taken_out_is_named(released: Path) -> None:
    """An entry without one of its hashes was never accepted."""
    edit(released / registry.PATH, lambda found: found["models"]["1.0.0"]["hashes"].pop("acceptance"))

    assert gate(released, "G4.6").state in ("fail", "blocked")
    assert "1.0.0 has no acceptance hash" in gate(released, "G4.6").reason
    assert not any("KeyError" in gate(released, name).reason for name in ("G4.6", "G5.3", "G6.2"))


KILLED = """
import sys
from pathlib import Path
from planrun_ml.release import registry
root = Path(sys.argv[1])
while True:
    for version in ("1.0.0", "1.0.1"):
        registry.promote(root, version, by="me", reason="again")
    registry.roll_back(root, by="me", reason="again")
    print("a champion is there", flush=True)
"""


def test_killed_at_any_moment_a_champion_remains(tmp_path: Path) -> None:
    """Stopped fifty times and killed five times amid promotions and rollbacks: the registry stays whole."""
    registry.register(tmp_path, entry("r") | {"version": registry.BASELINE, "kind": "rule"}, alias="baseline")
    for digest in ("a", "b"):
        registry.register(tmp_path, entry("a", data=digest))
    script = tmp_path / "loop.py"
    script.write_text(KILLED)
    clean = (tmp_path / registry.PATH).read_bytes()
    environment = os.environ | {"PYTHONPATH": str(Path(registry.__file__).parents[2])}
    chance = random.Random(7)
    for _ in range(5):
        (tmp_path / registry.PATH).write_bytes(clean)
        process = subprocess.Popen([sys.executable, script, tmp_path], env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(10):
            time.sleep(chance.uniform(0.0005, 0.02))
            process.send_signal(signal.SIGSTOP)
            found = registry.read(tmp_path)
            process.send_signal(signal.SIGCONT)

            assert found["aliases"]["champion"] in ("1.0.0", "1.0.1")
        process.kill()
        process.wait()
        process.stdout.close()

        assert registry.read(tmp_path)["aliases"]["champion"] in ("1.0.0", "1.0.1")
    registry.promote(tmp_path, "1.0.1", by="me", reason="after the kills")
