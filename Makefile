# Needs git, make and Python 3.11 or newer; everything else is installed into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.latty-run
DEV := $(VENV)/.latty-dev
PYTEST ?= -n 2 --dist worksteal
GALLERY := hello strip layers style-mixing two-edits $(notdir $(basename $(wildcard presets/method-*.toml)))
FIGURES := $(filter-out component-videos components-samples,$(notdir $(basename $(wildcard presets/figures/*.toml))))

.PHONY: help demo studio test slow chaos faults check gallery bench peers gpu clean
.DEFAULT_GOAL := help

help:    ## this list
	@sed -n 's/^\([a-z]*\): *.*## \(.*\)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

demo: $(RUN)    ## install, and render presets/hello.toml to renders/hello.gif
	@$(BIN)/latty render presets/hello.toml --overwrite --show
	@echo "made renders/hello.gif; next: $(BIN)/latty, the studio (or make studio)"

studio: $(RUN)    ## latty itself
	@$(BIN)/latty

test: $(DEV)    ## every test but the slow ones
	@$(BIN)/python -m pytest $(PYTEST) -m "not slow"

slow: $(DEV)    ## the slow ones: trainings, chaos, clusters
	@$(BIN)/python -m pytest $(PYTEST) -m slow

chaos: $(DEV)    ## a thousand kills at random moments, and the table of what they left
	@$(BIN)/python tests/support/chaos.py $${LATTY_CHAOS:-1000}
	@LATTY_CHAOS=$${LATTY_CHAOS:-1000} $(BIN)/python -m pytest $(PYTEST) -m slow tests/studio/test_studio_chaos.py

faults: $(DEV)    ## every disk fault at every call of every verb, as a table
	@PYTHONPATH=tests/support $(BIN)/python tests/support/fault_table.py

check: $(DEV)    ## format, lint, types, floors, budgets
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/house

gallery: $(RUN)    ## the pictures of the README again
	@$(BIN)/latty render $(GALLERY:%=presets/%.toml) --out-dir renders/gallery --overwrite --quiet
	@$(BIN)/latty sample demo --seeds 0-63 --truncation 0.8 --columns 16 -o renders/gallery/demo.png --overwrite --quiet
	@for f in $(FIGURES); do $(BIN)/latty render presets/figures/$$f.toml -o renders/gallery/figure-$$f.jpg --set outputs.0.quality=80 --overwrite --quiet || exit; done
	@$(BIN)/latty render presets/figures/components-samples.toml -o renders/gallery/figure-components-samples.jpg --set each.0.values=c8 --set outputs.0.quality=80 --overwrite --quiet
	@$(BIN)/python docs/seams.py renders/gallery

bench: $(DEV)    ## ratios against other implementations, about two hours; make peers first
	@PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m benchmarks $(BENCH)

peers: $(DEV)    ## what make bench measures against, as far as pip and npm carry it
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pytorch-pretrained-biggan==0.1.1
	@command -v npm > /dev/null || { echo "gifski comes by npm, which is not here: its rows are left out" >&2; exit 1; }
	npm install --silent --no-save --prefix $(VENV)/peers gifski@1.7.1
	install -m 755 $(VENV)/peers/node_modules/gifski/bin/$$(uname | sed 's/Linux/debian/;s/Darwin/macos/')/gifski $(BIN)

gpu: $(DEV)    ## the GPU of this machine: parity, bytes, kernels, graphs and speed, in eight minutes
	@$(BIN)/python -m benchmarks.gpu

clean:    ## remove .venv and caches; renders stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: what is installed is installed again only when these files change.
$(RUN): pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV): pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(RUN) $@

.PHONY: venv
venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "latty needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
	         "try: make demo PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "latty needs Python's venv module (Debian and Ubuntu: apt install python3-venv)" >&2; \
	    rm -rf $(VENV); exit 1; }
