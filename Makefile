# A thin front to meson.  `make demo` and `make check` are all a newcomer
# needs: both install what is missing first.
BUILD ?= build

all: build

deps:
	@sh packaging/install-deps.sh

$(BUILD)/build.ninja: | deps
	@echo "setting up $(BUILD)"
	@meson setup $(BUILD) >$(BUILD).log || { cat $(BUILD).log; exit 1; }
	@mv $(BUILD).log $(BUILD)/setup.log

build: deps $(BUILD)/build.ninja
	@test -x $(BUILD)/bridgekeeper || echo "building: this takes a minute or two"
	@ninja --quiet -C $(BUILD) >$(BUILD)/build.log || \
		{ cat $(BUILD)/build.log; exit 1; }

check: build
	meson test -C $(BUILD) --print-errorlogs

demo: build
	@tests/demo/demo $(BUILD)

bench: build
	@mkdir -p $(BUILD)/bench/data && rm -rf $(BUILD)/bench/data/*
	@$(BUILD)/bench/bench $(BUILD)/bench/data 2>$(BUILD)/bench/log
	@python3 bench/server.py $(BUILD)/tests/sandbox/sandbox \
		$(BUILD)/bridgekeeper $(BUILD)/bench/reader

clean:
	rm -rf $(BUILD) $(BUILD).log

.PHONY: all deps build check demo bench clean
