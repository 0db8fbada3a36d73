# What a developer types. The command, its tests and its tools need nothing but
# Go; race needs a C compiler as well.

GO       ?= go
FUZZTIME ?= 10s

# The Go backend of GoMLX is five times as fast with the vector instructions of
# amd64, which Go has as an experiment.
ifeq ($(shell $(GO) env GOARCH),amd64)
export GOEXPERIMENT ?= simd
endif

STUDIES := $(addprefix results-,methods labels collapse identity imbalance)

.DEFAULT_GOAL := help
.PHONY: help build demo test race lint fuzz board pictures bench bench-peers bench-train bench-queue bench-scaling bench-listing chaos soak results $(STUDIES) manifests containers

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | while read -r target does; do printf '  make %-13s %s\n' "$$target" "$$does"; done

build: ## the command, as ./selfstream
	$(GO) build -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o selfstream .

demo: build ## train on images drawn for it, and compare the encoder with an untrained one
	@state=$$(mktemp -d) && trap 'rm -rf "$$state"' EXIT && ./selfstream up --epochs 20 --until-done --state "$$state" --nats-port 0 --s3-port 0 --http-port 0

test: ## go vet and all tests
	$(GO) vet ./...
	$(GO) test ./...

# checkptr takes pointer arithmetic in GoMLX's matrix products for a fault.
race: ## all tests with the race detector
	$(GO) test -race -gcflags='github.com/gomlx/compute/...=-d=checkptr=0' ./...

lint: ## golangci-lint, of the version in tools/go.mod
	$(GO) tool -modfile=tools/go.mod golangci-lint run ./...

# Go takes one target at a time, and by default up to a minute to shorten each
# input that it finds.
fuzz: ## every fuzz target for FUZZTIME, 10s by default
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's|/[^/]*:func | |' | sort | \
	while read -r dir target; do \
		echo "$$dir $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$dir" || exit 1; \
	done

# Of Debian's packages: chromium; SELFSTREAM_CHROMIUM names another browser.
board: ## the board and a report in a headless Chromium; make test does that, too, where there is one
	$(GO) test -count=1 -run TestBrowser -v . ./evaluator/board

# DATA is a folder of photos with one folder per class. Runs that ./selfstream-data
# has are not made again.
pictures: ## the pictures of docs/dashboard.md, of runs on the photos in DATA, in a headless Chromium
	SELFSTREAM_PICTURES=$(abspath docs) SELFSTREAM_DATA='$(abspath $(DATA))' SELFSTREAM_STATE=$(abspath selfstream-data) \
	$(GO) test -count=1 -timeout 2h -run TestPictures -v .

bench: ## all benchmarks; those of photos need a folder of them in SELFSTREAM_PHOTOS
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Of Debian's packages: python3-pil python3-opencv python3-torchvision.
bench-peers: ## the augmenter beside torchvision and OpenCV, on the photos in SELFSTREAM_PHOTOS and one core
	/usr/bin/python3 bench/compare.py

# Of Debian's packages: python3-torch.
bench-train: ## a training step beside the straightforward graph and PyTorch on the CPU
	$(GO) test -run '^$$' -bench Tiny -benchtime 3x ./trainer/encoder
	/usr/bin/python3 bench/tiny_torch.py

bench-queue: ## samples from an augmenter's views to a step's tensors, beside equal messages by nats.go alone
	$(GO) test -run '^$$' -bench Queue -benchtime 1x ./trainer

# FIGURE is a file for a picture of it, docs/pictures/scaling.svg say.
bench-scaling: ## more and more augmenters on the photos in SELFSTREAM_PHOTOS, and NATS with a thousand of them
	SELFSTREAM_FIGURE=$(if $(FIGURE),$(abspath $(FIGURE))) $(GO) test -run '^$$' -bench 'Scaling|Crowd' -benchtime 1x -timeout 1h .

# N objects take N × 4 kB of disk.
N ?= 1000000
bench-listing: ## list a dataset of N small objects in the embedded S3, and plan a run on it: make bench-listing N=1000000
	SELFSTREAM_OBJECTS=$(N) $(GO) test -run '^$$' -bench Listing -benchtime 1x -timeout 1h ./stages/local
	SELFSTREAM_OBJECTS=$(N) $(GO) test -run '^$$' -bench Begin -benchtime 1x ./trainer/plan

chaos: ## kill, stop and starve the parts of a system, and compare digests
	SELFSTREAM_CHAOS=1 $(GO) test -count=1 -timeout 30m -parallel 4 -run 'TestChaos' -v .

# SEED begins the sequence, TIME is after how long no new round begins, DATA is a
# folder of other images.
soak: ## rounds of random faults alone: make soak SEED=7 TIME=10m DATA=photos
	SELFSTREAM_CHAOS=1 SELFSTREAM_CHAOS_SEED=$(SEED) SELFSTREAM_CHAOS_TIME=$(TIME) SELFSTREAM_CHAOS_DATA=$(abspath $(DATA)) \
	$(GO) test -count=1 -timeout 24h -run TestChaosSoak -v .

# DATA is a folder of photos with one folder per class; without it, the
# demonstration's pictures. FLAGS are further ones of selfstream study. Runs that
# ./selfstream-data has are not made again.
results: $(STUDIES) ## the tables of docs/results.md, on the photos in DATA; one alone: make results-collapse

$(STUDIES): results-%: build
	./selfstream study $* $(if $(DATA),--data '$(abspath $(DATA))') --out results-$*.html $(FLAGS)

manifests: ## hold deploy/kubernetes against the schemas of Kubernetes and KEDA
	cd deploy/kubernetes && $(GO) test ./...

containers: ## build the images, run compose.yaml, and kill and scale its parts; needs a Docker Engine
	SELFSTREAM_CONTAINERS=1 $(GO) test -count=1 -timeout 30m -run TestContainers -artifacts -v .

# Credentials for compose.yaml, drawn at random. Those that are there stay.
ENVFILE ?= .env
$(ENVFILE): .env.example
	@umask 077 && touch $@ && fresh=$$(test -s $@ || echo yes) && while read -r line; do case "$$line" in \
		[A-Z]*=) grep -q "^$$line" $@ || echo "$$line$$(LC_ALL=C tr -dc a-z </dev/urandom | head -c 32)" >>$@;; \
		*) test -z "$$fresh" || echo "$$line" >>$@;; esac; done <$<
