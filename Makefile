# make new [ARGS="demo --kind ml --defaults"]   set up and start the wizard; the project is written beside this folder
# make new OUTPUT=~/projects                     the same, the project is written there
# make demo [ARGS="--kind software"]             a whole project's life on one screen, in a scratch folder
# make test                                     set up, check and test
# make test-all                                 and all the slow tests
# make test-all PART="NAME …"                   some parts of them, none of which takes more than an hour:
#   quick        what make test runs
#   ml           the rendered ML repository, every sample
#   brought      a team's own features and models, from an experiment to a retraining
#   software     the rendered software repository, every sample
#   fortnight    a team's first two weeks in each form of software
#   pair         both kinds side by side, from the first day to a release
#   demo         mlscaffold demo, both kinds, in environments of its own
#   walks        a monorepo to a lock and the rendered README to a promoted model
#   tables       real tables, walked to a verdict that is computed otherwise
#   next         the printed next step, followed from random states of an ML repository
#   next-software  the same of a software repository
#   histories    random histories, kills and full disks of new and of replan
#   newer        random histories, kills and full disks of update
#   year         a year of a team's life with two releases
#   screens      the wizard in a real terminal
#   updates      what replan, update, presets and the wizard do at length
#   installs     every way to install, both doors: one tree; the two locks
#   verdicts     verdicts by exact enumeration and by simulation
#   hostile      make test once more, in surroundings that must not matter
#   mutants      400 faults planted one at a time: tests that see each of them
#   tools        simulations, large files, browsers, clusters and other programs' readers
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
OUTPUT ?= ..
PART ?=
BIN = $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
# uv is quicker where it is installed; python's own venv and pip do the same.
INSTALL = if command -v uv >/dev/null 2>&1; then uv pip install --quiet --python $(BIN)/python $(1); \
  else $(BIN)/python -m pip install --quiet --disable-pip-version-check $(1); fi

# Quoted for the shell; where ARGS says itself where to write, that holds.
WHERE = $(if $(filter --output% --into%,$(ARGS)),,--output '$(subst ','\'',$(value OUTPUT))')

.PHONY: new demo setup dev test test-all lint bench clean

new: $(VENV)/installed
	@$(BIN)/mlscaffold new $(WHERE) $(ARGS)

demo: $(VENV)/installed
	@$(BIN)/mlscaffold demo $(ARGS)

setup: $(VENV)/installed

dev: $(VENV)/developed

test: dev lint
	$(BIN)/python tests/parts.py quick -- $(ARGS)

test-all: dev lint
	$(BIN)/python tests/parts.py $(PART) -- $(ARGS)

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python generator/sync.py --check

bench: dev
	$(BIN)/python tests/bench/render.py
	$(BIN)/python tests/bench/audit.py
	$(BIN)/python tests/bench/look.py
	$(BIN)/python tests/bench/backup.py
	$(BIN)/python tests/bench/what_if.py
	$(BIN)/python tests/bench/drift.py || test $$? -eq 2
	$(BIN)/python tests/bench/fresh.py || test $$? -eq 2  # 2: the machine was busy, and nothing was judged
	$(BIN)/python tests/bench/score.py || test $$? -eq 2
	@$(call INSTALL,--editable ".[bench]")
	$(BIN)/python tests/bench/serve.py || test $$? -eq 2  # 2: it needs wrk, and says so

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/python-found:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/python-found pyproject.toml
	@$(call INSTALL,--editable .)
	@touch $@

$(VENV)/developed: $(VENV)/python-found pyproject.toml
	@$(call INSTALL,--editable ".[dev]")
	@touch $@ $(VENV)/installed
