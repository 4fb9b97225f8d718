# The commands of Cityvitals. `make up` needs Python 3.11 or later, make and python3-venv; no root.
#
#   make up [ARGS="--for 60s --json"]   install what is missing, then run everything
#   make test                           install what the tests need, then check and test
#   make soak                           the tests that take longer
#   make clean                          remove what was installed and built (not the data)

PYTHON ?= python3
ARGS ?=
VENV := .venv
PY := $(VENV)/bin/python
# Wheels only: nothing is compiled by a C compiler. Kernels are compiled by `cityvitals warm`.
PIP := $(PY) -m pip install --disable-pip-version-check --only-binary :all: -c constraints.txt
SERVERS := mosquitto:mosquitto influxdb:influxd chromium:chromium chromium-driver:chromedriver

# Brokers live in sbin on Debian, which is not on everybody's path.
export PATH := $(PATH):/usr/sbin:/sbin
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := up
.PHONY: up test soak clean python servers check

# Progress of the installation goes to standard error, so that `--json` prints JSON alone.
up: $(VENV)/warm.done
	@exec $(PY) -m cityvitals up $(ARGS)

# Four at a time on two cores: some wait for servers, and six loaded kernels and cities too often.
test: $(VENV)/test.done servers check
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n 4 --dist worksteal $(ARGS)

soak: $(VENV)/test.done servers
	@$(PY) -m pytest --soak --timeout 3600 $(ARGS)

# Beside mypy, which has one processor to itself, the tests are read once and their bytecode is
# kept: workers that start together would each compile all of them.
check: $(VENV)/test.done
	@$(PY) -m ruff check .
	@PYTHONDONTWRITEBYTECODE= $(PY) -m pytest --collect-only >/dev/null 2>&1 & reading=$$!; \
	  $(PY) -m mypy; verdict=$$?; wait $$reading || true; exit $$verdict

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Cityvitals needs Python 3.11 or later, and '$(PYTHON)' is not:" \
	    "install it, or name one with: make PYTHON=python3.12" >&2; exit 2; }

$(VENV)/server.done: pyproject.toml constraints.txt | python
	@echo "Cityvitals: installing into $(VENV) (the first time takes a minute or two)" >&2
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) >&2 || { \
	  echo "Python cannot make a virtual environment: apt install python3-venv" >&2; exit 2; }
	@$(PIP) -e '.[server]' >&2
	@touch $@

# numba keeps what it compiled beside the source, so a first start never waits for it. Bytecode is
# written too where the environment tells Python not to: it saves each process half a second.
$(VENV)/warm.done: $(VENV)/server.done $(wildcard engine/*.py ingest/*.py)
	@echo "Cityvitals: compiling kernels" >&2
	@$(PY) -m compileall -q cityvitals dashboards edge engine ingest simulators >&2
	@$(PY) -m cityvitals warm >&2
	@touch $@

$(VENV)/test.done: $(VENV)/warm.done
	@$(PIP) -e '.[server,sim,drivers,test]' >&2
	@touch $@

# Real servers and a real browser, with root and apt. What is missing afterwards is named, and
# its tests are skipped (or fail, with CI=true). policy-rc.d keeps apt from starting services.
servers:
	@missing=""; for pair in $(SERVERS); do \
	  command -v $${pair#*:} >/dev/null || missing="$$missing $${pair%%:*}"; done; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Cityvitals: apt installs$$missing" >&2; \
	  policy=/usr/sbin/policy-rc.d; \
	  if [ ! -e $$policy ]; then trap "rm -f $$policy" EXIT; \
	    printf '#!/bin/sh\nexit 101\n' > $$policy; chmod +x $$policy; fi; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq >&2; \
	  for name in $$missing; do \
	    apt-get install -y -qq --no-install-recommends $$name >&2 </dev/null || true; done; \
	fi; \
	for pair in $(SERVERS); do command -v $${pair#*:} >/dev/null || \
	  echo "Cityvitals: $${pair%%:*} is not installed; its tests are skipped" >&2; done
