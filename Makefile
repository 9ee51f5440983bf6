# One command for each thing to be done here; each installs what it needs into .venv. `make` alone lists them.
#
#   make demo PYTHON=/usr/bin/python3.12      with another Python, 3.11 or newer
#   make test TESTS=tests/readers             some of the tests

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
RUN ?= runs/demo
TESTS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
COMMAND := $(BIN)/attentionflow

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench clean

help: ## this list
	@awk -F ':|## ' '/^[a-z]+:.*## /{printf "make %-6s %s\n", $$1, $$NF}' Makefile

# Stamps: a second call installs nothing. The tools bring everything that the demo needs, so they set both.
$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing attentionflow into $(VENV), which takes minutes the first time"
	@$(PIP) --editable ".[text,data]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing attentionflow and its tools into $(VENV), which takes minutes the first time"
	@$(PIP) --editable ".[dev]"
	@touch $@ $(VENV)/.demo

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "no Python 3.11 or newer was found; name one: make PYTHON=/path/to/python3"; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is no Python 3.11 or newer; name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

demo: $(VENV)/.demo ## install, train a small translation model, score it, use it, draw its attention
	@if [ -e $(RUN)/run.json ]; then \
		echo "$(RUN) holds a trained model, which is used; to train anew, remove that folder: rm -r $(RUN)"; \
	elif [ -e $(RUN)/state.safetensors ]; then \
		echo "$(RUN) was stopped before its end: going on with it"; \
		$(COMMAND) train translation --out $(RUN) --resume; \
	else \
		$(COMMAND) train translation --out $(RUN); \
	fi
	$(COMMAND) evaluate $(RUN) --split test
	$(COMMAND) predict $(RUN) "[de_DE] 15. März 2024" "[en_IN] 12,34,567.5" "[zh_CN] 2031年5月9日"
	@$(COMMAND) look $(RUN) "[de_DE] 15. März 2024" --out $(RUN)/look.html > /dev/null
	@echo
	@echo "What the model looked at is drawn in $(abspath $(RUN))/look.html: open it in a browser."

test: $(VENV)/.dev ## install and run the tests (TESTS=path for some); those in a browser need Chromium
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope $(TESTS)

check: $(VENV)/.dev ## lint, format, types, and which module may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_imports.py

docs: $(VENV)/.dev ## write the generated tables of docs/tasks anew
	$(BIN)/python docs/generate.py

bench: ## list the benchmarks; NAME=file ARGS='...' runs one
ifdef NAME
bench: $(VENV)/.dev
	$(BIN)/python benchmarks/$(NAME).py $(ARGS)
else
	@echo "Benchmarks; each says at its top what it measures and how it is called. Figures go to benchmarks/RESULTS.md."
	@for file in benchmarks/[!_]*.py; do echo "  make bench NAME=$$(basename $$file .py) ARGS='--help'"; done
endif

clean: ## remove .venv and caches; runs/ stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist *.egg-info
