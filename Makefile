# make demo   agents at work against DynaClaimz, about a minute, ends with tables and CSV files
# make ui     the web page and the report, which the binaries embed
# make test   everything CI runs; installs by itself what it needs
# make bench  this engine beside wrk, as ratios
# make lint   format, clippy, documentation, dependencies

.PHONY: demo test bench lint ui

ui:
	cd web && npm ci --no-audit --no-fund && npm run build

demo: ui
	mkdir -p target/demo
	cargo build --release --package load-tests
	target/release/load-tests --demo --headless --users 50 --spawn-rate 10 --run-time 60s --time-scale 0.1 \
	  --csv target/demo/demo --only-summary --progress 5s --logfile target/demo/demo.log

test:
	tools/install-test-tools
	$(MAKE) ui lint
	cd web && npm test
	cargo test --workspace
	@echo everything passed

bench:
	tools/install-bench-tools
	cargo build --release --package bench --package dynaclaimz
	target/release/bench

lint:
	cd web && npm run lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	node tools/check-dependencies.mjs
