# Postern: see README.md. Everything here needs Go alone; the lab needs root on Debian, and says so elsewhere.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS := -s -w -X main.version=$(VERSION)
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 freebsd/amd64 freebsd/arm64 windows/amd64 windows/arm64

.PHONY: build
build: ## bin/postern for this machine
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/postern ./cmd/postern

.PHONY: quick
quick: ## the tests that need no lab, fewer of what is drawn by lot: at most 90 seconds after a build
	$(GO) test -count=1 -short -p 4 -parallel 8 $$($(GO) list ./... | grep -v '/lab$$') # most of them wait most of the time

.PHONY: mutants
mutants: ## breaks the program on purpose, edit by edit; the quick tests must notice each, without root
	$(GO) run ./tools/mutants

.PHONY: test
test: prepared ## what CI runs: all tests, those of the lab too where they can run; about half an hour
	@tools/test.sh

.PHONY: torture
torture: prepared ## every case, such as the whole kill matrix; takes long
	@POSTERN_TORTURE=1 TIMEOUT=180m PARALLEL=4 tools/test.sh

.PHONY: bench
bench: prepared ## how fast it is, as ratios, and what it has the hosts spend; CPU="100 50 25": on hosts with so many percent of a processor
	POSTERN_CPU="$(CPU)" $(GO) test -count=1 -timeout 60m -run '^$$' -bench . -benchtime 1x ./lab
	$(GO) test -count=1 -run '^$$' -bench Frame ./wizard
	$(GO) test -count=1 -run '^$$' -bench Drawn -benchtime 1x ./cmd/postern

.PHONY: pictures
pictures: ## draws docs/pictures anew, from the program itself; make test compares them
	$(GO) test -count=1 -run '^(TestDemoDrawn|TestMonochrome|TestInASCII)$$' ./cmd/postern -update

.PHONY: docs
docs: ## writes docs/checks and docs/providers.md anew, from the program itself; make test compares them
	$(GO) test -count=1 -run '^TestCheckPages$$' ./cmd/postern -update
	$(GO) test -count=1 ./steps/provider -update

.PHONY: pf-files
pf-files: ## writes every pf file that a story prints, for a real pfctl: make pf-files DIR=FOLDER; anchors.tsv there names the anchor of each, and each story is there as answers and saved looks
	@[ -n "$(DIR)" ] || { echo "pf-files: say where to: make pf-files DIR=FOLDER"; exit 1; }
	$(GO) test -count=1 -run '^TestPFFilesKeepTheRules$$' ./steps -args -pf-files="$(abspath $(DIR))"

.PHONY: mailcow
mailcow: ## reads and plans over a checkout of Mailcow: make mailcow TREE=/opt/mailcow-dockerized; nothing of it is changed
	POSTERN_MAILCOW="$(abspath $(TREE))" $(GO) test -count=1 -v -run '^TestMailcowTree$$' ./steps

.PHONY: lab
lab: build prepared ## boots two hosts, sets them up in line mode before your eyes, and leaves them running
	@tools/lab.sh

.PHONY: prepared
prepared:
	@if [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then $(GO) run ./lab prepare </dev/null; \
	else echo "the lab needs root on Debian: its tests are skipped here"; fi

.PHONY: lint
lint: ## gofmt, vet, the linters of tools/lint, and the shell scripts
	@unformatted="$$(gofmt -l $$(git ls-files '*.go'))"; [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet ./...
	@for s in $$(git ls-files '*.sh') .ci/run; do sh -n "$$s" 2>/dev/null || bash -n "$$s"; done
	CGO_ENABLED=0 $(GO) tool -modfile=tools/lint/go.mod golangci-lint run ./...

.PHONY: cross
cross: ## builds for every platform of a release
	@for p in $(PLATFORMS); do echo "$$p"; \
	CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -o /dev/null ./cmd/postern; done

.PHONY: help
help:
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'
