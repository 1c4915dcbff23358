# The commands of llm-d-sim. `make help` lists them.
STACK   ?= dev
CLUSTER ?= lab
CRDS    ?= all
NAME    ?= dev
NODE    ?= auto
LLMD    ?=
FILE    ?= examples/compare/epp.yaml
OUT     ?= compare.out

# The same settings as in the lab's own builds (lab/internal/program), which share the cache.
export GOFLAGS = -trimpath -buildvcs=false
export CGO_ENABLED = 0

# Built once, into Go's build cache, from the pins of their modules.
VULN = go tool -modfile=$(CURDIR)/lab/tools/vuln/go.mod govulncheck
LINT = go tool -modfile=$(CURDIR)/lab/tools/lint/go.mod golangci-lint
# The linters vet. go test would vet all dependencies too, and once more with the race detector.
TEST = go test -vet=off
LAB = bin/lab
NODEFLAGS = --node='$(NODE)' --llm-d='$(LLMD)' $(if $(ISTIO),--istio) $(if $(KEDA),--keda) $(if $(POLICIES),--policies) $(if $(MONITORING),--monitoring)
TARGETFLAGS = --name='$(NAME)' --stack='$(STACK)' --cluster='$(CLUSTER)'

.DEFAULT_GOAL := help
.PHONY: help up preview status smoke compare down env package list logs test check vulncheck unit fuzz fuzz-config e2e bench dist lab

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: lab ## Deploy STACK (dev) on CLUSTER (lab, or current: the kube context), its pods on NODE (real or kwok), with ISTIO=1, KEDA=1, POLICIES=1 or MONITORING=1
	@$(LAB) up $(TARGETFLAGS) $(NODEFLAGS) --crds='$(CRDS)' $(if $(YES),--yes)

preview: lab ## Show what `make up` would change
	@$(LAB) preview $(TARGETFLAGS)

status: lab ## Show what runs, and what differs from the configuration
	@$(LAB) status $(TARGETFLAGS)

smoke: lab ## Send requests through the gateway: which pods answer, and how fast
	@$(LAB) smoke $(TARGETFLAGS)

compare: lab ## Compare the scheduler configurations in FILE (examples/compare/epp.yaml): the report is in OUT
	@$(LAB) compare $(TARGETFLAGS) $(NODEFLAGS) --crds='$(CRDS)' --file='$(FILE)' --out='$(OUT)' $(if $(YES),--yes)

down: lab ## Destroy the stack, and stop and remove the lab
	@$(LAB) down $(TARGETFLAGS) $(if $(YES),--yes)

env: lab ## Print the environment for pulumi and kubectl: eval "$(make -s env)"
	@$(LAB) env --name='$(NAME)' --stack='$(STACK)'

package: lab ## Let programs in YAML and TypeScript deploy on the lab: build the Pulumi package and the language hosts
	@$(LAB) package --name='$(NAME)'

list: lab ## List the labs
	@$(LAB) list

logs: lab ## Print the logs of the lab, or of its last start if that failed
	@$(LAB) logs --name='$(NAME)'

# Bash times their steps.
check unit fuzz-config: SHELL = bash
check unit fuzz-config: export TIMEFORMAT = (%0R s)

check: ## Lint, vet, tidiness of modules, known vulnerabilities and unit tests
	@for module in . lab compare provider; do \
		echo "linting $$module"; (cd $$module && time $(LINT) run ./... && go mod tidy -diff) || exit; \
	done
	@$(MAKE) --no-print-directory vulncheck unit

# The database is on the network: without it there is no result.
vulncheck:
	@for module in . lab compare provider; do \
		found=$$(cd $$module && $(VULN) ./... 2>&1) || case "$$found" in \
			*"fetching vulnerabilities"*) echo "skipped for $$module: $$found"; continue ;; \
			*) echo "$$found"; exit 1 ;; \
		esac; \
		echo "govulncheck of $$module: $$found"; \
	done

# The race detector needs cgo. It slows the generated configurations down ten times.
SLOW = TestGeneratedPlansMatchRegistrations
unit: export CGO_ENABLED = 1
unit:
	cd lab && time $(TEST) -race ./...
	cd compare && time $(TEST) -race ./...
	cd provider && time $(TEST) -race ./...
	time $(TEST) -race -skip $(SLOW) $$(go list ./... | grep -vE '/tests/(e2e|traffic|bench)$$')
	time CGO_ENABLED=0 $(TEST) -run $(SLOW) ./tests

test: check fuzz-config e2e ## All tests: check, fuzzing of the configuration, and end to end on a cluster of their own

fuzz-config:
	time $(TEST) -run '^$$' -fuzz FuzzLoad -fuzztime 10s ./config/fuzz

# Not in `make test`: the fuzzer has Go compile Pulumi's SDK for Kubernetes once more, which takes
# minutes on an empty cache. The unit tests run what it has found.
fuzz: fuzz-config ## Fuzz the configuration, and then the whole program
	$(TEST) -run '^$$' -fuzz FuzzDeploy -fuzztime 60s ./tests

# What only tests/traffic needs is built while tests/e2e leaves a processor idle.
e2e: lab
	@$(LAB) tools --node=kwok --package
	@nice -n 19 sh -c "$(LAB) tools --node='$(NODE)' --istio --keda --policies --monitoring && \
		$(LAB) tools --node='$(NODE)' --llm-d=v0.4" >bin/tools.log 2>&1 & \
	LLM_D_SIM_LAB=$(CURDIR)/$(LAB) $(TEST) -count=1 -timeout 60m -v ./tests/e2e; failed=$$?; \
	wait $$!; built=$$?; cat bin/tools.log; exit $$((failed + built))
	LLM_D_SIM_LAB=$(CURDIR)/$(LAB) $(TEST) -count=1 -timeout 60m -v ./tests/traffic

bench: lab ## Measure the program against kubectl, Helm and the engine alone; writes bench.json
	@$(LAB) tools $(NODEFLAGS)
	@$(LAB) tools --node='$(NODE)' --llm-d=v0.4
	go build -C lab/tools/helm -o $(CURDIR)/bin/helm helm.sh/helm/v3/cmd/helm
	LLM_D_SIM_LAB=$(CURDIR)/$(LAB) LLM_D_SIM_HELM=$(CURDIR)/bin/helm $(TEST) -count=1 -timeout 60m -v ./tests/bench

# Pulumi finds the archives of a release by these names.
VERSION = $(shell cat internal/version/VERSION)
PLUGIN = pulumi-resource-llm-d-sim
dist: ## Build the Pulumi package's plugin for linux and darwin into dist/, with checksums
	rm -rf dist && mkdir dist
	set -e; for os in linux darwin; do for arch in amd64 arm64; do \
		GOOS=$$os GOARCH=$$arch go build -C provider -ldflags '-s -w' -o ../dist/$$os-$$arch/$(PLUGIN) .; \
		cp LICENSE dist/$$os-$$arch; \
		tar -czf dist/$(PLUGIN)-v$(VERSION)-$$os-$$arch.tar.gz -C dist/$$os-$$arch $(PLUGIN) LICENSE; \
		rm -r dist/$$os-$$arch; \
	done; done
	cd dist && sha256sum *.tar.gz > SHA256SUMS

lab:
	@mkdir -p bin
	@go build -C lab -ldflags "-X main.version=$$(cat internal/version/VERSION)" -o ../$(LAB) .
