# The benchmark: the environment of its contenders in Python. Included by the Makefile.

BENCH_VENV := $(BUILD)/bench-venv
BENCH_PIP   = $(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check

# A peer that cannot be installed is left out; its row says so.
$(BENCH_VENV)/peers.stamp: mk/venv benches/python/peers.txt
	mk/venv $(PYTHON) $(BENCH_VENV)
	while read -r peer; do $(BENCH_PIP) "$$peer" || true; done < benches/python/peers.txt
	@touch $@

$(BENCH_VENV)/installed.stamp: $(BENCH_VENV)/peers.stamp $(PY_WHEELS)/wheel.stamp
	$(BENCH_PIP) --no-deps --force-reinstall $(PY_WHEELS)/*.whl
	@touch $@

# The contenders in C are built by the benchmark itself, beside itself.
.PHONY: bench
bench: setup children c-library $(BENCH_VENV)/installed.stamp ## Measure beside raw floors and the peers (BENCH=quick, or "--only NAME")
	$(CARGO) run --release -p process_manager_bench -- $(BENCH)
