# make demo    set up and assess the example portfolio: needs nothing but Python 3.11, 3.12 or 3.13
# make test    every check, from a fresh clone
# make lint    those that take seconds
# make lab     the first notebook, in JupyterLab
# make clean   remove what make and the checks made; reports and workbooks stay

.PHONY: demo test lint lab clean python FORCE

PYTHON ?=

# Every path is relative, so that the checkout may lie in a folder with spaces in its name.
BIN = .venv/bin

demo: .venv/installed
	@$(BIN)/ethics-kit demo

# Quick checks first; the first failure ends it.
test: lint
	@$(BIN)/python -m ethics_kit.examples
	$(BIN)/python -m pytest -q -n 2 tests
	$(BIN)/python -m pytest -q --nbval-lax notebooks

lint: .venv/installed-test
	$(BIN)/python -m ruff check --quiet .
	$(BIN)/python -m ruff format --check --quiet .
	$(BIN)/python -m mypy --no-error-summary

lab: .venv/installed
	@$(BIN)/ethics-kit open churn_risk

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist

# .venv knows its own folder and interpreter: when the checkout was moved, or the interpreter is gone, it is made anew.
SOUND = test "$$(cat .venv/place 2>/dev/null || pwd -P)" = "$$(pwd -P)" && $(BIN)/python -c 'import pip' 2>/dev/null
STALE = $(shell $(SOUND) || echo FORCE)

.venv/installed: pyproject.toml constraints.txt $(STALE)
	@$(call install,.)
	@touch $@

.venv/installed-test: pyproject.toml constraints.txt $(STALE)
	@$(call install,.[test])
	@touch .venv/installed $@

define install
{ $(SOUND); } || { \
    python=$$($(MAKE) --silent --no-print-directory python) && "$$python" -m venv --clear .venv; \
} || exit 1; \
echo 'Setting up .venv, which takes some minutes the first time'; \
$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
    --constraint constraints.txt --editable '$(1)' && \
pwd -P > .venv/place
endef

# Prints the interpreter to make .venv with: the first that is new enough and able to.
python:
	@for candidate in "$(PYTHON)" python3.11 python3.12 python3.13 python3; do \
	    "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	        && command -v "$$candidate" && exit; \
	done; \
	echo 'Ethics Kit needs Python 3.11, 3.12 or 3.13 with its venv module, and none was found. Install one' \
	    '(Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13)' \
	    'or name it: make PYTHON=/path/to/python3.13 ...' >&2; \
	exit 1
