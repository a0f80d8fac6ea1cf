# Front doors.  Each installs what it lacks (scripts/bootstrap), then lets Meson do the work.
#
#   make run                    build, and show what the library does
#   make test                   build, and run every suite
#   make quick                  build, and run the suites for every edit
#   make deep                   the suites again under sanitizers and valgrind; every fuzz target for a while
#   make check                  format, tidy, include rules, symbols, man pages, documents
#   make build                  build into ./build
#   make install PREFIX=/usr    install (DESTDIR is honoured)
#   make bench                  measure against the peers
#   make fuzz FUZZ_SECONDS=600  every fuzz target for longer
#   make coverage               which lines the suites reach
#   make clean                  remove the build directories

BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 12

export FUZZ_SECONDS

.PHONY: run test quick deep check build install bench fuzz coverage clean

run:
	@scripts/bootstrap build run
	@scripts/build $(BUILD)
	@$(BUILD)/tool/sspi demo

build:
	@scripts/bootstrap build
	@scripts/build $(BUILD)

test:
	@scripts/bootstrap build run test
	@scripts/build $(BUILD)
	@scripts/test $(BUILD)

quick:
	@scripts/bootstrap build
	@scripts/build $(BUILD)
	@scripts/test --quick $(BUILD)

deep:
	@scripts/bootstrap build run test deep
	@scripts/deep

check:
	@scripts/bootstrap build check
	@scripts/build $(BUILD)
	@scripts/check $(BUILD)

install:
	@scripts/bootstrap build
	@scripts/build $(BUILD) --prefix=$(abspath $(PREFIX))
	@meson install -C $(BUILD) --no-rebuild
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ]; then ldconfig; fi

bench:
	@scripts/bootstrap build run bench
	@scripts/build $(BUILD)-bench -Dbench=true -Dtests=false -Dbuildtype=release
	@scripts/bench $(BUILD)-bench

fuzz:
	@scripts/bootstrap build deep
	@scripts/deep --only fuzz

coverage:
	@scripts/bootstrap build run test coverage
	@scripts/build $(BUILD)-coverage -Db_coverage=true
	@scripts/test --coverage $(BUILD)-coverage

clean:
	rm -rf $(BUILD) $(BUILD)-*
