# Every target sets up what it needs; `make` alone lists them.

EVENT ?= events/create_snapshot.json
# Of `make serve`; 0 takes a free one.
PORT ?= 0
# Virtual seconds that pass in a real one at most, for whoever wants to be in time; 0 for no limit.
PACE ?= 0
# Of `make mails`.
FOLDER ?= mails
# Of `make deploy-local`: what `make serve` has printed, and a stack's name.
ENDPOINT ?=
STACK ?= trapheus
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo "$$python" && break; done)
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --requirement
# So that sam builds with the interpreter that the tests run on.
SAM := PATH="$(CURDIR)/.venv/bin:$$PATH" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 \
	.venv-sam/bin/sam

TARGETS := help run serve deploy-local test check lint build clients others \
	thorough faults attributes permissions bench acceptance peers mails picture events preflight lock clean
.PHONY: $(TARGETS)
.DEFAULT_GOAL := help

# Before anything runs, and for a name that a folder has as well, such as `make tests`.
UNKNOWN := $(filter-out $(TARGETS) %/ready,$(MAKECMDGOALS))
$(if $(UNKNOWN),$(error There is no target $(firstword $(UNKNOWN)); `make help` lists them))

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

##@ Use it on this machine, without AWS

run: .venv/ready ## Restore a database; EVENT=events/... takes another input
	@.venv/bin/python -m local run "$(EVENT)"

serve: .venv/ready .venv-sam/ready ## Keep the local AWS up for the AWS CLI and SDKs
	@exec .venv/bin/python -m local serve --port "$(PORT)" --pace "$(PACE)"

# Nothing of the user's AWS settings is left: without an endpoint, sam would call the real AWS.
deploy-local: .venv/ready .venv-sam/ready ## Deploy to it with sam; needs ENDPOINT=
	@printf '%s\n' '$(ENDPOINT)' | grep -Eqx 'http://localhost:[0-9]+' || { \
		echo "make deploy-local needs ENDPOINT=http://localhost:PORT, as make serve prints it." >&2; \
		exit 1; }
	@runtime=python$$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	$(SAM) build --parameter-overrides PythonRuntime=$$runtime && \
	env -i PATH="$(CURDIR)/.venv-sam/bin:$$PATH" HOME="$$HOME" SAM_CLI_TELEMETRY=0 \
		AWS_ENDPOINT_URL='$(ENDPOINT)' AWS_DEFAULT_REGION=us-east-1 \
		AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local \
		AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null \
		sam deploy --stack-name '$(STACK)' --no-fail-on-empty-changeset --parameter-overrides \
		PythonRuntime=$$runtime UseVPCAndSubnets=false SenderEmail=trapheus@example.com \
		RecipientEmail=dba@example.com $(if $(filter-out trapheus,$(STACK)),CreateExportBucket=false)

##@ Check a change

test: .venv/ready .venv-sam/ready .venv-checkov/ready ## What a pull request must pass; CI adds thorough
	@start=$$(date +%s); \
	$(MAKE) --no-print-directory check || exit 1; \
	echo "make test: everything passed in $$(($$(date +%s) - start)) s, without the set-up"

check: ## The same, when everything is set up
	@$(MAKE) --no-print-directory --jobs 2 build lint
	@$(MAKE) --no-print-directory --jobs 2 clients others

# The CLIs wait for the server half of the time, which the other tests use.
clients: ## The tests with the real AWS CLI and SAM CLI
	.venv/bin/python -m pytest tests/deploy/test_real_clients.py -m "not thorough"

others: ## All other tests
	.venv/bin/python -m pytest -n 2 --no-loadscope-reorder tests -m "not thorough" \
		--ignore tests/deploy/test_real_clients.py

thorough: .venv/ready .venv-sam/ready build ## What CI runs besides: the same in more ways
	.venv/bin/python -m pytest -n 2 --no-loadscope-reorder tests -m thorough

lint: ## ruff, mypy and checkov
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv-checkov/bin/checkov --config-file .checkov.yaml

build: ## sam validate and sam build
	$(SAM) validate --lint
	@runtime=python$$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	echo "sam build --parameter-overrides PythonRuntime=$$runtime"; \
	$(SAM) build --parameter-overrides PythonRuntime=$$runtime >.aws-sam.log 2>&1 \
		|| { cat .aws-sam.log; exit 1; }

##@ Measure, and write a page of docs/ anew (takes long)

faults: .venv/ready ## Make every call fail in every way: docs/faults.md
	@.venv/bin/python -m tests.faults

attributes: .venv/ready ## Take each attribute out of the calls: docs/attributes.md
	PYTHONPATH=layers/common .venv/bin/python -m tests.attributes

bench: .venv/ready ## Time, outage, calls and costs: docs/performance.md
	@PYTHONPATH=layers/common .venv/bin/python -m tests.bench

permissions: .venv/ready ## Take each right away: docs/permissions.md
	.venv/bin/python -m tests.permissions

##@ Before a release

peers: .venv/ready .venv-peers/ready .venv-sam/ready ## Other people's clients against the local AWS
	@.venv/bin/python -m tests.peers
# What is empty is left out by the program, which says what it needs.
acceptance: .venv/ready .venv-sam/ready ## The promises on a real account; PROFILE= REGION= SENDER=
	@.venv/bin/python -m tests.acceptance --profile "$(PROFILE)" --region "$(REGION)" \
		--sender "$(SENDER)" --endpoint "$(ENDPOINT)" $(if $(AURORA),--aurora) \
		$(if $(YES),--yes) $(if $(CLEAN_UP),--clean-up)

##@ Write anew what follows from the sources

picture: .venv/ready ## The graphs of docs/state-machine.md
	@.venv/bin/python -m local picture

mails: .venv/ready ## A message of each kind as HTML and as text; FOLDER=mails
	@.venv/bin/python -m local mails "$(FOLDER)"

events: .venv/ready ## events/functions/, an event for each function
	@.venv/bin/python -m local events

preflight: .venv/ready ## The list of checks: docs/preflight.md
	@PYTHONPATH=layers/common .venv/bin/python -m tests.preflight_page

# The layer's first: what is tested with is what it ships.
lock: ## The locked lists, the layer's too; needs uv
	for list in layers/common/requirements src/sql/requirements requirements/checkov requirements/dev \
			requirements/peers requirements/sam; do \
		uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
			$$list.in --output-file $$list.txt; \
	done

##@ Tidy up

clean: ## Remove the environments and all that was built
	rm -rf .venv .venv-checkov .venv-peers .venv-sam .aws-sam .aws-sam.log .mypy_cache .pytest_cache .read-definitions .ruff_cache

.venv/ready: requirements/dev.txt
	$(call environment,.venv,dev)

.venv-sam/ready: requirements/sam.txt
	$(call environment,.venv-sam,sam)

.venv-checkov/ready: requirements/checkov.txt
	$(call environment,.venv-checkov,checkov)

.venv-peers/ready: requirements/peers.txt
	$(call environment,.venv-peers,peers)

# An environment of its own from a locked list; made anew when the list changes.
define environment
@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed." >&2; exit 1; }
@echo "Setting up $(1) from requirements/$(2).txt, once (about a minute)..."
@$(PYTHON) -m venv --clear $(1)
@$(1)/bin/python $(PIP_INSTALL) requirements/$(2).txt
@touch $@
endef
