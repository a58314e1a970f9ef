# Two commands do all on a fresh machine: `make book` and `make test`.
PYTHON ?= $(firstword $(foreach p,python3.12 python3.11 python3.13 python3,$(if $(shell $(p) -c 'import sys; print(1) if (3, 11) <= sys.version_info < (3, 14) else 0' 2>/dev/null),$(p))))
BIN := .venv/bin
NB ?=
DATA ?=
OBD ?=
# Two files at a time, each of them in one process; tools/nbcheck.py puts the longest first.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev book pdf test check fix lab execute chapters search intervals perturb mutants replicate upstream bench lint lock clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | column -ts "$$(printf '\t')"

setup: .venv/readers  ## install what readers need, into .venv
setup-dev: .venv/authors

.venv/readers: requirements.txt constraints.txt pyproject.toml tools/setup.py
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.13 found; name one: make setup PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m tools.setup requirements.txt
	@touch $@

.venv/authors: .venv/readers requirements-dev.txt
	$(PYTHON) -m tools.setup requirements.txt requirements-dev.txt
	@touch $@

# --all: Sphinx's search forgets the index entries of pages that are not built again.
book: setup  ## build the site
	$(BIN)/jupyter-book build . --all -n -W --keep-going
	@echo "The book: file://$(CURDIR)/_build/html/index.html"

pdf: setup-dev book  ## print the whole book as one PDF (needs Chromium or Chrome)
	$(BIN)/python -m tools.pdf

test: setup-dev book lint  ## pass every test: notebooks, recutils, pages
	$(BIN)/pytest $(PARALLEL) --nbval --cov=recutils --cov-branch
	$(BIN)/pytest $(PARALLEL) tests/site

check: setup-dev lint  ## what takes three minutes: lint, quick tests, the notebooks as documents
	$(BIN)/pytest $(PARALLEL) -m "not slow"

lab: setup  ## open the chapters in JupyterLab
	$(BIN)/jupyter lab book

fix: setup-dev  ## repair what can be repaired by itself: style, layout, the notebooks' normal form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m tools.notebooks tidy

execute: setup  ## run chapters from the top and store their outputs (NB=book/basics/retrieval.ipynb for one)
	$(BIN)/python -m tools.notebooks execute $(NB)
	$(BIN)/python -m tools.toc

chapters: setup  ## write _toc.yml and the README's map again, from book/chapters.yml and the titles
	$(BIN)/python -m tools.toc

lint: setup-dev  ## style, types, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

bench: setup-dev  ## ours against the libraries' own functions, in one run (DATA=folder for real data)
	$(BIN)/python benchmarks/bench.py $(if $(DATA),--data $(DATA))
	$(BIN)/python -m benchmarks.ann
	$(BIN)/python -m benchmarks.load

replicate: setup-dev  ## every conclusion on real data (DATA=folder); real logs of two policies (OBD=folder)
	$(if $(OBD),$(BIN)/python -m tools.obd $(OBD))
	$(if $(DATA)$(if $(OBD),,none),$(BIN)/python -m tools.replicate $(DATA))

search: setup-dev  ## run the searches and long trials that have no record (NB=, DATA=folder, CHECK=1)
	$(BIN)/python -m tools.search $(NB) $(if $(DATA),--data $(DATA)) $(if $(CHECK),--check)

intervals: setup-dev  ## how often do 95% intervals cover the truth?
	$(BIN)/python -m tools.intervals

perturb: setup-dev  ## how far each number moves under other conditions
	$(BIN)/python -m tools.perturb

mutants: setup-dev  ## small mistakes made on purpose: which ones do the checks catch?
	$(BIN)/python -m tools.mutants

upstream: setup-dev  ## TFRS's and TFR's own tests (TFRS=checkout, TFR=checkout; without: those in TFRS's wheel)
	$(BIN)/python -m tools.upstream $(if $(TFRS),--tfrs $(TFRS)) $(if $(TFR),--tfr $(TFR))

lock:  ## resolve constraints.txt again (needs uv; UPGRADE=1: the newest versions that are allowed)
	grep -hv '^-' requirements.txt requirements-dev.txt \
	  | uv pip compile --universal --python-version 3.11 --strip-extras --no-annotate $(if $(UPGRADE),--upgrade) \
	      --custom-compile-command "make lock" -o constraints.txt -
	sed "s/ ; python_full_version < '3.14' and ((.*) or sys_platform == 'linux' or sys_platform == 'win32')$$//; s/ and python_full_version < '3.14' and ((.*) or sys_platform == 'linux' or sys_platform == 'win32')$$//" constraints.txt > constraints.tmp
	mv constraints.tmp constraints.txt

clean:  ## remove the environment and everything built
	rm -rf .venv _build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
