"""CPU time of `mlscaffold new --defaults --no-git`, as a ratio to the least work that makes the same files.

The least work: a new Python process imports jinja2, renders the same template files with finished answers and plan, and
writes them. Both are measured in turns within one run, children included, and the medians are compared.

    python tests/bench/render.py [--kind ml|software] [--rounds 9]
"""

import argparse
import os
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import jinja2

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 3.5
sys.path.insert(0, str(ROOT / "generator"))

from mlscaffold import answers, context  # noqa: E402
from mlscaffold.answers import Answers  # noqa: E402

LEAST = """
import json, pathlib, pickle, sys, types
import jinja2

yamltext = types.ModuleType("mlscaffold.yamltext")  # the filters need its one function, not the YAML parser
yamltext.quoted = lambda text: json.dumps(text, ensure_ascii=False)
sys.modules["mlscaffold.yamltext"] = yamltext
from mlscaffold import hosting, wording


class Given(dict):
    __getattr__ = dict.__getitem__

    def is_asked(self, key):
        return key in self["asked"]

    def provenance(self, key):
        return self["provenances"][key]


sources, answers, plan = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())
out = pathlib.Path(sys.argv[2])
env = jinja2.Environment(
    trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
)
env.filters.update(wording.FILTERS)
env.globals.update(wording.GLOBALS, at_top=hosting.at_top, below=hosting.below)
for name, text in sources.items():
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(env.from_string(text).render(answers=Given(answers), plan=plan), encoding="utf-8")
"""


def sources(kind: str, folder: Path) -> Path:
    """A pickle of the template's texts by rendered name, with finished answers and plan as plain data."""
    complete = answers.complete({"kind": kind})
    plan = context.plan_of(complete)
    template = next(path for path in (ROOT / "templates" / kind).iterdir() if "{{" in path.name)
    env = jinja2.Environment()  # noqa: S701  (file names, not pages)
    texts = {}
    for path in sorted(template.rglob("*")):
        parts = [env.from_string(part).render(answers=complete, plan=plan) for part in path.relative_to(template).parts]
        if path.is_file() and all(parts):
            texts["/".join(parts)] = path.read_text("utf-8")
    pickled = folder / "sources.pickle"
    pickled.write_bytes(pickle.dumps((texts, plain(complete), plan)))
    return pickled


def plain(complete: Answers) -> dict[str, object]:
    """Answers as plain data that unpickles without our package."""
    given: dict[str, object] = dict(complete)
    given["team"] = [types.SimpleNamespace(**vars(person)) for person in complete.team]
    given["sections"] = [
        (section, [(types.SimpleNamespace(**vars(question)), text) for question, text in entries])
        for section, entries in complete.sections
    ]
    given["asked"] = {key for key in complete if complete.is_asked(key)}
    given["provenances"] = {key: complete.provenance(key) for key in complete}
    given["package_name"] = complete.package_name
    return given


def spend(command: list[str]) -> float:
    """Seconds of CPU, user and system, that a command and its children use."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    surroundings = os.environ | {"PYTHONPATH": str(ROOT / "generator")}
    subprocess.run(command, check=True, capture_output=True, env=surroundings)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Measure, print, and return 1 when the ratio is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["ml", "software"], default="ml")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pickled = sources(options.kind, folder)
        ours, least = [], []
        for turn in range(options.rounds + 1):  # the first turn warms the caches and does not count
            out = folder / str(turn)
            arguments = ["new", "--kind", options.kind, "--defaults", "--no-git", "--output", str(out / "ours")]
            ours.append(spend([sys.executable, "-m", "mlscaffold", *arguments]))
            least.append(spend([sys.executable, "-c", LEAST, str(pickled), str(out / "least")]))
    ratio = statistics.median(ours[1:]) / statistics.median(least[1:])
    print(
        f"{options.kind}: ours {statistics.median(ours[1:]):.3f} s, least {statistics.median(least[1:]):.3f} s CPU",
        end="",
    )
    print(f"; ratio {ratio:.2f}, limit {LIMIT}")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
