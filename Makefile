# What there is to do, for people and for CI. Everything is built in the release profile, so that wasmtime, which
# takes minutes, is compiled once.

CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto
# The hooks and the fixtures are looked for below target/, so it has to be this one.
export CARGO_TARGET_DIR := $(CURDIR)/target

WASM := wasm32-unknown-unknown
# The one that is not for hooks, for the test of what is said then.
WASI := wasm32-wasip1
# For the guest whose standard library looks for a world.
WASI_2 := wasm32-wasip2
HOOKS := redact sample enrich level trace parse schema throttle count dedupe leak
HOOK_CRATES := $(addprefix hookaroon-,$(HOOKS))
HOST := -p hookaroon --features embed-plugins

.PHONY: help build hooks mistakes dist demo docs test test-peers pictures bench soak fuzz deny clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: hooks ## target/release/hookaroon, and every standard hook as target/plugins/NAME.wasm
	$(CARGO) build --release $(HOST)

hooks:
	@rustup target list --installed | grep -qx $(WASM) || rustup target add $(WASM)
	$(CARGO) build --profile plugin --target $(WASM) $(addprefix -p ,$(HOOK_CRATES)) -p misbehave -p country
	$(CARGO) build --profile plugin-debug --target $(WASM) -p misbehave
	@rustup target list --installed | grep -qx $(WASI_2) || rustup target add $(WASI_2)
	$(CARGO) build --profile plugin --target $(WASI_2) -p worldly
	@mkdir -p target/plugins target/test-plugins
	@for hook in $(HOOKS); do cmp -s target/$(WASM)/plugin/hookaroon_$$hook.wasm target/plugins/$$hook.wasm \
		|| cp target/$(WASM)/plugin/hookaroon_$$hook.wasm target/plugins/$$hook.wasm; done
	@cp target/$(WASM)/plugin/misbehave.wasm target/$(WASM)/plugin/country.wasm target/test-plugins/
	@cp target/$(WASI_2)/plugin/worldly.wasm target/test-plugins/
	@cp target/$(WASM)/plugin-debug/misbehave.wasm target/test-plugins/misbehave-debug.wasm

mistakes: # the plugins of tests/e2e/mistakes.rs
	@rustup target list --installed | grep -qx $(WASI) || rustup target add $(WASI)
	$(CARGO) build --profile plugin --target $(WASM) -p mistaken --lib --examples
	$(CARGO) build --profile plugin --target $(WASI) -p mistaken --lib
	@mkdir -p target/test-plugins/mistakes
	@cp target/$(WASM)/plugin/mistaken.wasm target/test-plugins/mistakes/
	@for mistake in executable no_export extern_block other_interface; do \
		cp target/$(WASM)/plugin/examples/$$mistake.wasm target/test-plugins/mistakes/ || exit 1; done
	@cp target/$(WASI)/plugin/mistaken.wasm target/test-plugins/mistakes/wasip1.wasm

dist: hooks ## the binary that ships, in target/dist
	$(CARGO) build --profile dist $(HOST)

demo: build ## the main job on a made-up stream: redact, enrich, sample, and a hook that leaks
	$(CARGO) build --release -p hookaroon-generator
	@rm -rf demo/out && mkdir -p demo/out
	@echo "making 1,000,000 events ..."
	@target/release/generate --events 1000000 > demo/out/app.ndjson
	target/release/hookaroon run --once -c demo/hookaroon.toml --summary demo/out/summary.json
	@echo; echo "one event on its way in, and out:"
	@head -n 1 demo/out/app.ndjson
	@head -n 1 demo/out/archive.ndjson

docs: build ## docs/configuration.md, docs/openapi.json and docs/hooks, from the code
	@rm -rf docs/hooks && mkdir -p docs/hooks
	target/release/hookaroon config reference > docs/configuration.md
	target/release/hookaroon config openapi > docs/openapi.json
	@for hook in $(HOOKS); do target/release/hookaroon inspect $$hook --markdown > docs/hooks/$$hook.md || exit 1; done

test: hooks mistakes ## format, lints, all tests, docs; what CI runs
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --exclude misbehave --exclude mistaken --all-targets -- -D warnings
	$(CARGO) clippy --profile plugin --target $(WASM) -p misbehave -p mistaken -- -D warnings
	@# The documentation is for who works on it, so it shows private items too.
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" $(CARGO) doc --release --no-deps --document-private-items -p hookaroon -p hookaroon-sdk
	@# Apart, because the host asks serde_json for more than hooks have.
	$(CARGO) test --release -p hookaroon-sdk -p hookaroon-sdk-macros -p hookaroon-find -p hookaroon-flow $(addprefix -p ,$(HOOK_CRATES)) -p hookaroon-generator
	$(CARGO) test --release $(HOST) -- --skip peers::

test-peers: hooks ## the same hook in Rust, C and Python; a real Prometheus, Chromium and API fuzzer; installs what is missing
	$(MAKE) -C tests/peers
	$(CARGO) test --release $(HOST) --test e2e peers::

pictures: hooks ## docs/images: the status page as it looks now; needs what `make test-peers` installs
	HOOKAROON_IMAGES=$(CURDIR)/docs/images $(CARGO) test --release $(HOST) --test e2e peers::page::it_looks

bench: build ## speed against serde_json, sonic-rs and no sandbox; prints medians and spread
	@# Apart: built together with the host, serde_json would be slower, and it is what the host is measured against.
	$(CARGO) build --release -p native-filter
	$(CARGO) run --release -p hookaroon-bench

soak: build mistakes ## the heavy tests at full size
	HOOKAROON_SOAK=1 PROPTEST_CASES=100000 $(CARGO) test --release $(HOST) -- --skip peers::

fuzz: ## each fuzz target for a minute; needs the nightly toolchain and cargo-fuzz
	@for target in decode pass splice outcome; do \
		$(CARGO) +nightly fuzz run --sanitizer none $$target -- -max_total_time=60 || exit 1; done
	@# From a whole plugin on, because nothing becomes one by chance.
	@mkdir -p fuzz/corpus/load
	$(CARGO) +nightly fuzz run --sanitizer none load fuzz/corpus/load tests/fixtures -- -max_total_time=60 -max_len=200000

deny: ## licences, sources and advisories of what is linked in; needs cargo-deny and a network
	$(CARGO) deny check

clean: ## nothing but the sources
	$(CARGO) clean
	rm -rf demo/out
