# The C and C++ interface: its examples and tests. The programs are listed by tests/c/run.py.

EXAMPLES += c cpp
SUITES   += c abi

PROFILE_DIR := $(or $(CARGO_TARGET_DIR),target)/release
C_RUN = $(PYTHON) tests/c/run.py --library $(PROFILE_DIR) --children $(PROFILE_DIR) --build $(BUILD)/c

# The shared library has its own name inside; programs that are run in place need that file too.
.PHONY: c-library
c-library: setup
	$(CARGO) build --release --quiet -p process_manager_capi -p process_manager_child
	@ln -sf libprocess_manager.so $(PROFILE_DIR)/libprocess_manager.so.0

.PHONY: example-c
example-c: c-library
	@mkdir -p $(BUILD)/examples
	@$(CC) -std=c11 -D_GNU_SOURCE -Iinclude -DTICKER='"$(PROFILE_DIR)/ticker"' examples/c/readme.c \
	    -o $(BUILD)/examples/readme_c -L$(PROFILE_DIR) -lprocess_manager -Wl,-rpath,$(abspath $(PROFILE_DIR))
	@$(BUILD)/examples/readme_c

.PHONY: example-cpp
example-cpp: c-library
	@mkdir -p $(BUILD)/examples
	@$(CXX) -std=c++17 -Iinclude -Ibindings/cpp/include -DTICKER='"$(PROFILE_DIR)/ticker"' \
	    examples/cpp/readme.cpp -o $(BUILD)/examples/readme_cpp \
	    -L$(PROFILE_DIR) -lprocess_manager -Wl,-rpath,$(abspath $(PROFILE_DIR))
	@$(BUILD)/examples/readme_cpp

.PHONY: test-c
test-c: c-library ## Programs in C and C++: plain, static, sanitizers, valgrind (MODES=..., ONLY=...)
	@$(C_RUN) --only "$(ONLY)" $(MODES)

.PHONY: test-abi
test-abi: c-library ## What the library exports, and its headers alone (PM_UPDATE=1 takes changes)
	@$(PYTHON) tests/abi/check.py --library $(PROFILE_DIR) --build $(BUILD)/abi
