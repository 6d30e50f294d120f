"""The parts of `make test-all`, each of which ends within the hour: `make test-all PART="installs hostile"`.

`python tests/parts.py [NAME …] [-- pytest arguments]` runs them one after another; without a name all of them.
Exit code 0 when every part passed, 1 when one did not or took too long, 2 for a name that is none.
A new part is one entry below and its line at the top of the Makefile; every slow test belongs to exactly one part.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_MINUTES = 60


@dataclass(frozen=True)
class Part:
    """What a part is for, and the files whose slow tests it runs; `command` instead of them runs a program of ours."""

    about: str
    files: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def words(self, arguments: list[str]) -> list[str]:
        """The command line, with a person's own pytest arguments at its end."""
        if self.command:
            return [sys.executable, *self.command, *arguments]
        # Neighbours stay together until a core has nothing left: what they share is made once and not once a core.
        pytest = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal", "-q"]
        return [*pytest, "-m", "slow" if self.files else "not slow", *self.files, *arguments]


PARTS = {
    "quick": Part("what make test runs"),
    "ml": Part(
        "the rendered ML repository, every sample",
        (
            "tests/test_labelling.py",
            "tests/test_line_ends.py",
            "tests/test_memory.py",
            "tests/test_own_metric.py",
            "tests/test_rendered_guards.py",
            "tests/test_rendered_hosts.py",
            "tests/test_rendered_ml.py",
            "tests/test_rendered_ml_data.py",
            "tests/test_rendered_ml_kills.py",
            "tests/test_rendered_ml_loop.py",
            "tests/test_rendered_ml_pipeline.py",
            "tests/test_rendered_units.py",
            "tests/test_rooms.py",
            "tests/test_surroundings.py",
            "tests/test_team_tests.py",
        ),
    ),
    "brought": Part(
        "a team's own features and models, from an experiment to a retraining", ("tests/test_bring_your_own.py",)
    ),
    "software": Part(
        "the rendered software repository, every sample",
        (
            "tests/test_governance.py",
            "tests/test_postgresql.py",
            "tests/test_rendered_software.py",
            "tests/test_rendered_software_peers.py",
            "tests/test_rendered_software_pipeline.py",
            "tests/test_rendered_software_units.py",
            "tests/test_software_slice.py",
        ),
    ),
    "fortnight": Part("a team's first two weeks in each form of software", ("tests/test_fortnight.py",)),
    "pair": Part("both kinds side by side, from the first day to a release", ("tests/test_two_repositories.py",)),
    "demo": Part("mlscaffold demo, both kinds, in environments of its own", ("tests/test_demo.py",)),
    "walks": Part(
        "a monorepo to a lock and the rendered README to a promoted model",
        ("tests/test_monorepo.py", "tests/test_rendered_readme.py"),
    ),
    "tables": Part("real tables, walked to a verdict that is computed otherwise", ("tests/test_real_tables.py",)),
    "next": Part("the printed next step, followed from random states of an ML repository", ("tests/test_walks.py",)),
    "next-software": Part("the same of a software repository", ("tests/test_walks_software.py",)),
    "histories": Part(
        "random histories, kills and full disks of new and of replan",
        ("tests/test_full_disk.py", "tests/test_histories.py", "tests/test_kills.py"),
    ),
    "newer": Part(
        "random histories, kills and full disks of update",
        ("tests/test_update_full_disk.py", "tests/test_update_histories.py", "tests/test_update_kills.py"),
    ),
    "year": Part("a year of a team's life with two releases", ("tests/test_year.py",)),
    "screens": Part("the wizard in a real terminal", ("tests/test_screens.py",)),
    "updates": Part(
        "what replan, update, presets and the wizard do at length",
        (
            "tests/test_agents.py",
            "tests/test_agreed.py",
            "tests/test_backstage.py",
            "tests/test_carrying.py",
            "tests/test_doors.py",
            "tests/test_explaining.py",
            "tests/test_from_template.py",
            "tests/test_interview.py",
            "tests/test_platform.py",
            "tests/test_presets.py",
            "tests/test_releasing.py",
            "tests/test_render.py",
            "tests/test_replan_safety.py",
            "tests/test_templates.py",
            "tests/test_unresolved.py",
            "tests/test_versions.py",
            "tests/test_wizard.py",
        ),
    ),
    "installs": Part(
        "every way to install, both doors: one tree; the two locks",
        ("tests/test_environment.py", "tests/test_installs.py"),
    ),
    "verdicts": Part(
        "verdicts by exact enumeration and by simulation",
        (
            "tests/test_drift.py",
            "tests/test_live_quality.py",
            "tests/test_planned_power.py",
            "tests/test_verdicts.py",
        ),
    ),
    "hostile": Part("make test once more, in surroundings that must not matter", command=("tests/hostile.py",)),
    "mutants": Part("400 faults planted one at a time: tests that see each of them", command=("tests/mutants.py",)),
    "tools": Part(
        "simulations, large files, browsers, clusters and other programs' readers",
        (
            "tests/test_assumed_marks.py",
            "tests/test_figures.py",
            "tests/test_adding.py",
            "tests/test_between_documents.py",
            "tests/test_catalogue.py",
            "tests/test_engine_apart.py",
            "tests/test_engine_tests.py",
            "tests/test_data_flag.py",
            "tests/test_export.py",
            "tests/test_board_browser.py",
            "tests/test_mermaid.py",
            "tests/test_mutants.py",
            "tests/test_named_commands.py",
            "tests/test_planning_headline.py",
            "tests/test_planning_plan.py",
            "tests/test_plausibility.py",
            "tests/test_software_tools.py",
            "tests/test_spark.py",
        ),
    ),
}


def main(words: list[str]) -> int:
    """Run the named parts, all of them to their end, and say at last which failed."""
    at = words.index("--") if "--" in words else len(words)
    names, arguments = words[:at], words[at + 1 :]
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f'There is no part "{unknown[0]}" in make test-all: choose from {", ".join(PARTS)}.', file=sys.stderr)
        return 2
    failed = [name for name in names or PARTS if not _passes(name, arguments)]
    if failed:
        print(f"Not passed: {', '.join(failed)}. Run one again with make test-all PART={failed[0]}.", file=sys.stderr)
    return int(bool(failed))


def _passes(name: str, arguments: list[str]) -> bool:
    print(f"== {name}: {PARTS[name].about}", flush=True)
    started = time.monotonic()
    try:
        code = subprocess.run(PARTS[name].words(arguments), cwd=ROOT, check=False, timeout=60 * MOST_MINUTES).returncode
    except subprocess.TimeoutExpired:
        print(f"== {name}: stopped after {MOST_MINUTES} minutes, which no part may take", flush=True)
        return False
    print(f"== {name}: {(time.monotonic() - started) / 60:.1f} minutes, exit code {code}", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
