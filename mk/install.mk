# Installing what C and C++ programs need: libraries, headers, pkg-config file, CMake package.

PREFIX     ?= /usr/local
DESTDIR    ?=
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SERIES  := $(basename $(VERSION))
SONAME  := libprocess_manager.so.0
# What a program that links the static library needs besides; rustc names them on request:
#   cargo rustc -p process_manager_capi --crate-type staticlib -- --print native-static-libs
STATIC_LIBS := -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
CMAKEDIR    := $(LIBDIR)/cmake/process_manager

HEADERS := include/process_manager.h include/process_manager_embed.h \
           bindings/cpp/include/process_manager.hpp
# The parts of the C++ header, which go into a directory of their own.
PARTS   := $(sort $(wildcard bindings/cpp/include/process_manager/*.hpp))
PARTDIR := $(INCLUDEDIR)/process_manager
RELATIVE = $(shell realpath -ms --relative-to='$(1)' '$(2)')
FILL = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' \
    -e 's|@VERSION@|$(VERSION)|g' -e 's|@VERSION_SERIES@|$(SERIES)|g' \
    -e 's|@STATIC_LIBS@|$(STATIC_LIBS)|g' -e 's|@CMAKE_STATIC_LIBS@|$(subst $(eval) ,;,$(STATIC_LIBS))|g' \
    -e 's|@CMAKE_TO_PREFIX@|$(call RELATIVE,$(CMAKEDIR),$(PREFIX))|g' \
    -e 's|@LIBDIR_RELATIVE@|$(call RELATIVE,$(PREFIX),$(LIBDIR))|g' \
    -e 's|@INCLUDEDIR_RELATIVE@|$(call RELATIVE,$(PREFIX),$(INCLUDEDIR))|g'

.PHONY: install
install: ## Install libraries, headers, pkg-config and CMake files (PREFIX=/usr/local, DESTDIR=)
	$(CARGO) build --release --quiet -p process_manager_capi
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(CMAKEDIR) $(DESTDIR)$(PARTDIR)
	install -m 755 target/release/libprocess_manager.so $(DESTDIR)$(LIBDIR)/libprocess_manager.so.$(VERSION)
	ln -sf libprocess_manager.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libprocess_manager.so
	install -m 644 target/release/libprocess_manager.a $(DESTDIR)$(LIBDIR)/libprocess_manager.a
	install -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)
	install -m 644 $(PARTS) $(DESTDIR)$(PARTDIR)
	$(FILL) bindings/c/process_manager.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/process_manager.pc
	$(FILL) bindings/cmake/process_managerConfig.cmake.in > $(DESTDIR)$(CMAKEDIR)/process_managerConfig.cmake
	$(FILL) bindings/cmake/process_managerConfigVersion.cmake.in \
	    > $(DESTDIR)$(CMAKEDIR)/process_managerConfigVersion.cmake

.PHONY: uninstall
uninstall: ## Remove what install has put there (same PREFIX and DESTDIR)
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/,libprocess_manager.so.$(VERSION) $(SONAME) \
	    libprocess_manager.so libprocess_manager.a pkgconfig/process_manager.pc)
	rm -f $(addprefix $(DESTDIR)$(INCLUDEDIR)/,$(notdir $(HEADERS)))
	rm -f $(addprefix $(DESTDIR)$(PARTDIR)/,$(notdir $(PARTS)))
	rm -f $(addprefix $(DESTDIR)$(CMAKEDIR)/,process_managerConfig.cmake process_managerConfigVersion.cmake)
	-rmdir $(DESTDIR)$(CMAKEDIR) $(DESTDIR)$(PARTDIR) 2>/dev/null

SUITES += install

.PHONY: test-install
test-install: children ## Install into an empty prefix, build programs against that, uninstall
	@MAKE='$(MAKE)' $(PYTHON) tests/install/run.py --ticker target/release/ticker
