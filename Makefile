# `make run` restores a database on this machine, `make serve` keeps the local AWS up, and
# `make test` is the gate. All set themselves up.

EVENT ?= events/create_snapshot.json
# Of `make serve`; 0 takes a free one.
PORT ?= 0
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

.PHONY: run serve deploy-local test check clients others faults attributes bench lint build permissions lock clean

run: .venv/ready
	@.venv/bin/python -m local run "$(EVENT)"

serve: .venv/ready .venv-sam/ready
	@exec .venv/bin/python -m local serve --port "$(PORT)"

# Nothing of the user's AWS settings is left: without an endpoint, sam would call the real AWS.
deploy-local: .venv/ready .venv-sam/ready
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

test: .venv/ready .venv-sam/ready .venv-checkov/ready
	@start=$$(date +%s); \
	$(MAKE) --no-print-directory check || exit 1; \
	echo "make test: everything passed in $$(($$(date +%s) - start)) s, without the set-up"

check:
	@$(MAKE) --no-print-directory --jobs 2 build lint
	@$(MAKE) --no-print-directory --jobs 2 clients others

# The CLIs wait for the server half of the time, which the other tests use.
clients:
	.venv/bin/python -m pytest tests/deploy/test_real_clients.py

others:
	.venv/bin/python -m pytest -n 2 --no-loadscope-reorder tests \
		--ignore tests/deploy/test_real_clients.py

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv-checkov/bin/checkov --config-file .checkov.yaml

build:
	$(SAM) validate --lint
	@runtime=python$$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	echo "sam build --parameter-overrides PythonRuntime=$$runtime"; \
	$(SAM) build --parameter-overrides PythonRuntime=$$runtime >.aws-sam.log 2>&1 \
		|| { cat .aws-sam.log; exit 1; }

# Every call made to fail in every way, and the sabotages; see docs/faults.md, which it writes.
faults: .venv/ready
	@.venv/bin/python -m tests.faults

# Every attribute taken out of the app's calls, to see its tests fail. Writes docs/attributes.md.
attributes: .venv/ready
	PYTHONPATH=layers/common .venv/bin/python -m tests.attributes

# Every kind, task and strategy with 200 seeds, and many at once. Writes docs/performance.md.
bench: .venv/ready
	@PYTHONPATH=layers/common .venv/bin/python -m tests.bench

# docs/permissions.md, written anew: takes each action out of its policy and sees a test fail.
permissions: .venv/ready
	.venv/bin/python -m tests.permissions

# Written anew by hand when a requirement changes: needs uv.
lock:
	for side in checkov dev sam; do \
		uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
			requirements/$$side.in --output-file requirements/$$side.txt; \
	done

clean:
	rm -rf .venv .venv-checkov .venv-sam .aws-sam .aws-sam.log .mypy_cache .pytest_cache .ruff_cache

.venv/ready: requirements/dev.txt
	$(call environment,.venv,dev)

.venv-sam/ready: requirements/sam.txt
	$(call environment,.venv-sam,sam)

.venv-checkov/ready: requirements/checkov.txt
	$(call environment,.venv-checkov,checkov)

# An environment of its own from a locked list; made anew when the list changes.
define environment
@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed." >&2; exit 1; }
@echo "Setting up $(1) from requirements/$(2).txt, once (about a minute)..."
@$(PYTHON) -m venv --clear $(1)
@$(1)/bin/python $(PIP_INSTALL) requirements/$(2).txt
@touch $@
endef
