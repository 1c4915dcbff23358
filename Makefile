# The commands of llm-d-sim. `make help` lists them.
STACK   ?= dev
CLUSTER ?= lab
CRDS    ?= all
NAME    ?= dev
NODE    ?= auto

# One build cache for tests, for the program and for pulumi's own builds of it.
export GOFLAGS = -trimpath

# Built once, into Go's build cache, from the pins of their modules.
VULN = go tool -modfile=$(CURDIR)/lab/tools/vuln/go.mod govulncheck
LINT = go tool -modfile=$(CURDIR)/lab/tools/lint/go.mod golangci-lint
LAB = bin/lab
LABFLAGS = --name $(NAME) --node $(NODE) --stack $(STACK) --cluster $(CLUSTER) --crds $(CRDS) $(if $(ISTIO),--istio) $(if $(POLICIES),--policies) $(if $(YES),--yes)

.DEFAULT_GOAL := help
.PHONY: help up preview status smoke down env test check vulncheck unit fuzz e2e bench lab

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: lab ## Deploy STACK (dev) on CLUSTER (lab, or current: the kube context), its pods on NODE (real or kwok), with ISTIO=1 or POLICIES=1
	@$(LAB) up $(LABFLAGS)

preview: lab ## Show what `make up` would change
	@$(LAB) preview $(LABFLAGS)

status: lab ## Show what runs, and what differs from the configuration
	@$(LAB) status $(LABFLAGS)

smoke: lab ## Send requests through the gateway: which pods answer, and how fast
	@$(LAB) smoke $(LABFLAGS)

down: lab ## Destroy the stack, and stop and remove the lab
	@$(LAB) down $(LABFLAGS)

env: lab ## Print the environment for pulumi and kubectl: eval "$(make -s env)"
	@$(LAB) env $(LABFLAGS)

check: ## Lint, vet, known vulnerabilities and unit tests
	$(LINT) run ./...
	cd lab && $(LINT) run ./...
	@$(MAKE) --no-print-directory vulncheck unit

# The database is asked over the network: without it nothing can be said.
vulncheck:
	@for module in . lab; do \
		found=$$(cd $$module && $(VULN) ./... 2>&1) || case "$$found" in \
			*"fetching vulnerabilities"*) echo "skipped for $$module: $$found"; continue ;; \
			*) echo "$$found"; exit 1 ;; \
		esac; \
		echo "govulncheck of $$module: $$found"; \
	done

unit:
	cd lab && go test -race ./...
	go test -race $$(go list ./... | grep -vE '/tests/(e2e|traffic|bench)$$')

test: check fuzz e2e ## All tests: check, fuzzing, and end to end on a cluster of their own

fuzz:
	go test -run '^$$' -fuzz FuzzLoad -fuzztime 10s ./config
	go test -run '^$$' -fuzz FuzzDeploy -fuzztime 20s ./tests

e2e: lab
	@$(LAB) tools $(LABFLAGS) --istio --policies
	LLM_D_SIM_LAB=$(CURDIR)/$(LAB) go test -count=1 -timeout 60m -p 1 -v ./tests/e2e ./tests/traffic

bench: lab ## Measure the program against kubectl, Helm and the engine alone; writes bench.json
	@$(LAB) tools $(LABFLAGS)
	go build -C lab/tools/helm -o $(CURDIR)/bin/helm helm.sh/helm/v3/cmd/helm
	LLM_D_SIM_LAB=$(CURDIR)/$(LAB) LLM_D_SIM_HELM=$(CURDIR)/bin/helm go test -count=1 -timeout 60m -v ./tests/bench

lab:
	@mkdir -p bin
	@go build -C lab -o ../$(LAB) .
