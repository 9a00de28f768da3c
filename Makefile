# A thin front to meson.  `make demo` and `make check` are all a newcomer
# needs: both install what is missing first.
BUILD ?= build

all: build

deps:
	@sh packaging/install-deps.sh

$(BUILD)/build.ninja: | deps
	meson setup $(BUILD)

build: deps $(BUILD)/build.ninja
	ninja -C $(BUILD)

check: build
	meson test -C $(BUILD) --print-errorlogs

demo: build
	@tests/demo/demo $(BUILD)

clean:
	rm -rf $(BUILD)

.PHONY: all deps build check demo clean
