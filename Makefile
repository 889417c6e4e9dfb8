# Thin: Meson and Ninja do the work.
.PHONY: all run check check-long check-guest check-guest-long check-package bench performance install uninstall package clean \
  format tidy

all: build/build.ninja
	@ninja -C build

build/build.ninja:
	@scripts/setup
	@meson setup build --buildtype=release --libdir=lib -Dtests=disabled

run: all
	@build/vsva run

bench: all
	@build/vsva bench

performance: all
	@scripts/performance build/vsva

check:
	@scripts/check

check-long:
	@scripts/check --long

# LANES: e.g. make check-guest-long LANES=stock:qemu (see the head of tests/guest/check-guest)
check-guest: all
	@scripts/check-guest $(LANES)

check-guest-long: all
	@scripts/check-guest --long $(LANES)

install: all
	@scripts/install build

uninstall:
	@scripts/uninstall build

# Debian packages, in build-package/
package:
	@scripts/setup --package
	@scripts/package

check-package:
	@scripts/check-package

clean:
	rm -rf build build-check build-clang build-package build-plain build-tsan

format:
	@git ls-files -co --exclude-standard '*.c' '*.h' | grep -v '^linux/' | xargs clang-format -i

tidy: all
	@run-clang-tidy -quiet -p build '/(src|include)/'
