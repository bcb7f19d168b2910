# make demo   agents at work against DynaClaimz, about a minute, ends with tables, CSV files and the HTML report
# make live   the same with the page open on port 8089, until Ctrl-C
# make ui     the web page and the report, which the binaries embed
# make test   everything CI runs; installs by itself what it needs
# make bench  this engine beside its peers, as ratios: bench/results/latest.json, docs/benchmarks.md, README's table
# make fuzz   bytes that no server and no worker should send, led by coverage, a minute for each kind
# make soak   what takes its time: workers killed, stopped and started anew for 15 minutes, and one that sleeps for 90 seconds
# make lint   format, clippy, documentation, dependencies

.PHONY: demo live test fuzz soak bench bench-page bench-built lint ui

ui:
	cd web && npm ci --no-audit --no-fund && npm run build

demo: ui
	mkdir -p target/demo
	cargo build --release --package load-tests
	target/release/load-tests --demo --headless --users 50 --spawn-rate 10 --run-time 60s --time-scale 0.1 \
	  --csv target/demo/demo --html target/demo/demo.html --only-summary --progress 5s --logfile target/demo/demo.log

live: ui
	cargo build --release --package load-tests
	target/release/load-tests --demo --web-host 127.0.0.1 --autostart --users 50 --spawn-rate 10 --time-scale 0.1

test:
	tools/install-test-tools
	$(MAKE) ui lint
	cd web && npm test
	cargo test --workspace
	cargo build --package load-tests
	cd web && npm run browser
	@echo everything passed

fuzz:
	tools/fuzz

soak:
	SWARMER_SOAK_SECONDS=900 cargo test --package swarmer --test cluster_process -- --nocapture --include-ignored a_soak

bench: bench-built
	tools/install-bench-tools
	target/dist/bench --save bench/results/latest.json
	$(MAKE) bench-page

bench-page: bench-built
	target/dist/bench --page bench/results/latest.json > target/benchmarks.md
	mv target/benchmarks.md docs/benchmarks.md
	target/dist/bench --page bench/results/latest.json --readme README.md > target/README.md
	mv target/README.md README.md

# All of them at once: with fewer the same libraries are built again, with fewer features.
bench-built:
	cargo build --profile dist --package bench --package dynaclaimz --package load-tests

lint:
	cd web && npm run lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	node tools/check-dependencies.mjs
