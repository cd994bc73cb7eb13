# The Python module: an environment in build/venv, the wheel, its tests. Included by the Makefile.

PY_VENV   := $(BUILD)/venv
PY_BIN    := $(PY_VENV)/bin/python
PY_WHEELS := $(BUILD)/wheels
PY_INPUTS := Cargo.toml Cargo.lock build.rs $(shell find src python -type f \
    \( -name '*.rs' -o -name '*.py' -o -name '*.pyi' -o -name '*.toml' -o -name '*.S' \))

SUITES += python

.PHONY: python-env
python-env: $(PY_VENV)/installed.stamp ## Make build/venv with the module and its test tools

.PHONY: wheel
wheel: $(PY_WHEELS)/wheel.stamp ## Build the Python wheel (build/wheels)
	@ls $(PY_WHEELS)/*.whl

$(PY_VENV)/tools.stamp: mk/venv tests/python/requirements.txt
	mk/venv $(PYTHON) $(PY_VENV)
	$(PY_BIN) -m pip install --quiet --disable-pip-version-check \
	    --requirement tests/python/requirements.txt
	@touch $@

# The build environment of the wheel is pip's own, isolated: exactly what `pip install` does.
$(PY_WHEELS)/wheel.stamp: $(PY_VENV)/tools.stamp $(PY_INPUTS)
	@rm -rf $(PY_WHEELS)
	$(PY_BIN) -m pip wheel --quiet --disable-pip-version-check --no-deps \
	    --wheel-dir $(PY_WHEELS) ./python
	@touch $@

$(PY_VENV)/installed.stamp: $(PY_WHEELS)/wheel.stamp
	$(PY_BIN) -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
	    $(PY_WHEELS)/*.whl
	@touch $@

.PHONY: test-python
test-python: python-env children ## Tests of the Python module, with its types and examples
	$(PY_BIN) -X dev -m pytest tests/python

EXAMPLES += python

.PHONY: example-python
example-python: python-env children
	@for example in readme_sync readme_async; do \
	    $(PY_BIN) examples/python/$$example.py target/release/ticker; \
	done

# Every CPython from 3.11 on that the machine has: name them, or let pyenv and PATH tell.
PYTHONS ?= $(wildcard /usr/bin/python3.1[1-9] $(HOME)/.pyenv/versions/3.1[1-9]*/bin/python)

.PHONY: test-pythons
test-pythons: wheel children ## The Python tests under every CPython of the machine
	@for python in $(PYTHONS); do \
	    env=$(BUILD)/venv-$$($$python -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])'); \
	    [ -x $$env/bin/python ] || mk/venv $$python $$env; \
	    $$env/bin/python -m pip install --quiet --disable-pip-version-check \
	        --requirement tests/python/requirements.txt; \
	    $$env/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	        --force-reinstall $(PY_WHEELS)/*.whl; \
	    echo "== $$env"; \
	    $$env/bin/python -X dev -m pytest tests/python; \
	done
