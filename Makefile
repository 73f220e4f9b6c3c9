# The commands of this project; `make help` lists them. CI calls the same ones.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON_FILES := local layers/rental_pipeline packages functions notebooks tests benchmarks examples
ENV ?= dev
# A worker of the tests waits for its databases half of the time.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || sysctl -n hw.ncpu) + 2)
# As samconfig.toml deploys it, in quotes where `sam deploy --guided` wrote it; else x86_64.
ARCHITECTURE ?= $(or $(shell sed -n '/^\[$(ENV)\.deploy/,/^\[/ s/.*Architecture=[\"]*\([a-z0-9_]*\).*/\1/p' samconfig.toml),x86_64)
# What `make remove` and `make protect` are about: STACK=name, or the one that samconfig.toml deploys.
DEPLOYED = $(or $(STACK),$(shell sed -n '/^\[$(ENV)\.deploy/,/^\[/ s/^stack_name *= *"\([^"]*\)".*/\1/p' samconfig.toml))
ASL_VALIDATOR := npx --yes --loglevel=error --fetch-retries=1 --fetch-timeout=20000 asl-validator@4.0.0
# The AWS CLI knows AWS_REGION, SAM and boto3 AWS_DEFAULT_REGION.
ifdef AWS_REGION
export AWS_DEFAULT_REGION := $(AWS_REGION)
endif
# Said before the build, which takes a while.
ifneq ($(filter deploy protect,$(MAKECMDGOALS)),)
$(if $(shell grep -F '[$(ENV).deploy.parameters]' samconfig.toml),,$(error samconfig.toml has no environment "$(ENV)": ENV=dev or prod, or add it))
endif
# Tools must not speak to anybody, nor find a person's AWS account by accident.
export SAM_CLI_TELEMETRY := 0

help:  ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make .venv of what requirements/ pins, and find (or install) MariaDB; every command does so by itself
	@local/setup.sh

run: setup  ## source to metrics on this machine. DATA=market or lab, SCALE=1 (0.01 for lab) SEED=1 DAYS=1 CSV=folder CSV_DELIMITER=; CSV_ENCODING=utf-8 CURRENCY=USD JSON=path VERBOSE=1 MARKETPLACE=apartments
	@.venv/bin/python -m local run $(if $(DATA),--data="$(DATA)") $(if $(DAYS),--days="$(DAYS)") $(if $(SCALE),--scale="$(SCALE)") $(if $(SEED),--seed="$(SEED)") $(if $(CSV),--csv="$(CSV)") \
	    $(if $(CSV_DELIMITER),--csv-delimiter="$(CSV_DELIMITER)") $(if $(CSV_ENCODING),--csv-encoding="$(CSV_ENCODING)") \
	    $(if $(CURRENCY),--currency="$(CURRENCY)") $(if $(JSON),--json="$(JSON)") $(if $(VERBOSE),--verbose) $(if $(MARKETPLACE),--marketplace="$(MARKETPLACE)") \
	    $(if $(SOURCE),--source="$(SOURCE)")

adopt: setup  ## sql/NAME from a MySQL database that exists, which stays as it is. SOURCE=mysql://user@host/database NAME=name (password: MYSQL_PWD)
	@.venv/bin/python -m local adopt --source "$(SOURCE)" --name "$(NAME)"

check: setup  ## a marketplace's contract, SQL and Redshift's rules, without a run. MARKETPLACE=name
	@.venv/bin/python -m local check --marketplace="$(or $(MARKETPLACE),apartments)"

psql: setup  ## SQL on the warehouse of the last run
	@.venv/bin/python -m local psql

notebooks:  ## the analysts' notebooks over the warehouse of the last run, executed and written as HTML pages
	@local/setup.sh notebooks
	@.venv/bin/python -m local notebooks

jupyter:  ## the same notebooks, opened in JupyterLab
	@local/setup.sh jupyter
	@.venv/bin/python -m local jupyter

doctor: setup  ## what a run needs, looked at: network, secret, privileges, schema, warehouse, bucket, schedules. STACK=name: in AWS; SOURCE=… MARKETPLACE=name: before a first run
	@.venv/bin/python -m local doctor $(if $(STACK),--stack "$(STACK)") \
	    $(if $(SOURCE),--source "$(SOURCE)" --marketplace "$(MARKETPLACE)")

certify: setup  ## ask AWS, for less than a dollar, all on which the pipeline relies: STACK=name, or WORKGROUP=name DATABASE=dev for SQL alone. YES=1
	@.venv/bin/python -m local certify $(if $(STACK),--stack "$(STACK)") $(if $(WORKGROUP),--workgroup "$(WORKGROUP)") \
	    $(if $(DATABASE),--database "$(DATABASE)") $(if $(YES),--yes)

stop:  ## end what runs, and what an interrupted run left behind
	@test ! -x .venv/bin/python || .venv/bin/python -m local stop

clean: stop  ## forget the local databases, files and builds
	@rm -rf .local .aws-sam build
	@echo "removed .local, .aws-sam and build"

test: setup-test setup-browser  ## the tests that every change must pass: unit, integration on real databases, end to end. TESTS=path for some
	@.venv/bin/python -m pytest -m "not slow" --durations=15 $(or $(TESTS),--numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder)

test-all: setup-test setup-browser  ## every test, also those that take long
	@.venv/bin/python -m pytest --durations=15 $(or $(TESTS),--numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder)

golden: setup-test  ## write docs/sql: what each step sends to the warehouse, by an example
	@GOLDEN=write .venv/bin/python -m pytest -q tests/unit/warehouse/test_rendered_sql.py

sam-local: setup-test setup-containers  ## every function by `sam local invoke`, a whole run over `sam local start-lambda`, in containers
	@.venv/bin/python -m pytest -v tests/containers

setup-test:  ## what the tests and the linters need beside
	@local/setup.sh test

setup-containers:  ## a Docker engine to start where none runs, and what a stand-in for Lambda's image is made with
	@local/setup.sh containers

setup-browser:  ## Chromium, for the tests that look at the report
	@local/setup.sh browser

bench:  ## the extraction against its limit and its peers, into benchmarks/results. OPTIONS="--rows 100000 --repeat 1"
	@local/setup.sh bench
	@.venv/bin/python -m benchmarks.extraction $(OPTIONS)

bench-run:  ## first load, unchanged run and increment of the whole pipeline at the original sizes. OPTIONS="--scale 0.05"
	@local/setup.sh bench
	@.venv/bin/python -m benchmarks.run $(OPTIONS)

bench-warehouse:  ## what a change costs the warehouse: rows visited, submissions, dollars. ROWS=1 (or 2%) BEFORE=main OPTIONS=--help
	@local/setup.sh bench
	@.venv/bin/python -m benchmarks.warehouse $(if $(ROWS),--rows $(ROWS)) $(if $(BEFORE),--before $(BEFORE)) $(OPTIONS)

bench-cold-start: build  ## how long each function takes to start, from the built layers, in Python 3.13
	@.venv/bin/python -m benchmarks.cold_start $(OPTIONS)

mutate: setup-test  ## the product broken in one place after another: the tests must notice each time. ONLY="name name"
	@.venv/bin/python -m tests.mutation $(ONLY)

soak: setup-test  ## random marketplace life and random faults; says how many rows were lost or doubled. RUNS=200 SEED=1
	@.venv/bin/python -m tests.soak $(if $(RUNS),--runs $(RUNS)) $(if $(SEED),--seed $(SEED))

saved-queries: setup  ## the saved queries in template.yaml, from sql/*/lake
	@.venv/bin/python -m local.commands.saved_queries

json-shapes: setup  ## the JSON shapes in docs/architecture.md, from the types of model/
	@.venv/bin/python -m local.commands.json_shapes

reference: setup  ## the pages of docs/reference that are made of the code: settings, inputs, errors, metrics, types
	@.venv/bin/python -m local.reference

docs:  ## the documentation as a site, into .local/site
	@local/setup.sh docs
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet

docs-serve:  ## the same at http://127.0.0.1:8000, while pages are written
	@local/setup.sh docs
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs serve

lint: setup-test types docs  ## ruff, mypy, sqlfluff, the site of docs/, the templates and the state machines
	@.venv/bin/ruff check $(PYTHON_FILES)
	@.venv/bin/ruff format --check $(PYTHON_FILES)
	@.venv/bin/python -m local.commands.lint_sql
	@$(MAKE) --no-print-directory validate

types: setup-test  ## mypy, strictly, over all but the tests
	@.venv/bin/mypy

validate: setup-test  ## the templates, by AWS's own checks; the state machines, by asl-validator (where npm's registry is reached)
	@for template in template.yaml examples/demo.yaml; do \
	    AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-eu-west-1} .venv/bin/sam validate --lint --template "$$template" || exit 1; done
	@if $(ASL_VALIDATOR) --version >/dev/null 2>&1; then $(MAKE) --no-print-directory validate-machines; \
	    else echo "SKIPPED: the state machines are not validated, as there is no Node.js here or npm's registry is out of reach" >&2; fi

validate-machines:  ## the state machines alone, by asl-validator (needs Node.js and npm's registry)
	@for machine in statemachine/*.asl.yaml; do $(ASL_VALIDATOR) --yaml-path "$$machine" || exit 1; done

build: setup saved-queries  ## what `sam deploy` uploads. ARCHITECTURE=x86_64 or arm64
	@PATH="$(CURDIR)/.venv/bin:$$PATH" ARCHITECTURE=$(ARCHITECTURE) .venv/bin/sam build
	@.venv/bin/python layers/dependencies/fix_architecture.py .aws-sam/build/template.yaml $(ARCHITECTURE)

deploy: build  ## to AWS, with the account of your environment; shows what it will replace or delete, and asks. ENV=dev or prod
	@.venv/bin/sam deploy --config-env $(ENV) $(shell test -t 0 && echo --guided) $(OPTIONS)

remove: setup  ## take the deployed stack away: DATA=keep leaves its bucket, DATA=destroy nothing; run again, it goes on. ENV=dev or prod, or STACK=name
	@test "$(DATA)" = keep || test "$(DATA)" = destroy || { echo "make remove ENV=$(ENV) DATA=keep or DATA=destroy" >&2; exit 2; }
	@test -n "$(DEPLOYED)" || { echo 'samconfig.toml has no stack_name for "$(ENV)": ENV=dev or prod, or STACK=name' >&2; exit 2; }
	@.venv/bin/python -m local remove --stack "$(DEPLOYED)" --data "$(DATA)"

demo: setup  ## all of it in an empty account: network, Aurora, Redshift, sample data, a first run (costs money). EMAIL=address
	@examples/demo.sh up

demo-down:  ## take the demonstration away, with all its data
	@examples/demo.sh down

protect:  ## let neither an update nor a slip take the deployed stack's bucket away (needs the AWS CLI). ENV=dev or prod
	aws cloudformation set-stack-policy --stack-name "$(DEPLOYED)" --stack-policy-body file://stack-policy.json
	aws cloudformation update-termination-protection --stack-name "$(DEPLOYED)" --enable-termination-protection

audit: setup validate-machines  ## the templates' security, by checkov (300 MB, into .local/audit), and the state machines
	@test -x .local/audit/bin/python || .venv/bin/uv venv --quiet --python .venv/bin/python .local/audit
	@.venv/bin/uv pip install --quiet --python .local/audit/bin/python --no-deps --require-hashes --requirement requirements/audit.txt
	@.local/audit/bin/checkov --config-file .checkov.yaml

picture:  ## draw docs/architecture.svg from docs/architecture.d2 (needs Node.js and npm's registry)
	@npm install --silent --no-audit --no-fund --prefix .local/picture @terrastruct/d2@0.1.33
	@node docs/render_picture.mjs docs/architecture.d2 docs/architecture.svg

pictures: setup-test setup-browser  ## README's lines of output and the report's pictures, of `make run` for both marketplaces, from nothing
	@.venv/bin/python -m tests.integration.report.pictures

lock: setup  ## pin the groups of pyproject.toml; what is pinned stays where it can. OPTIONS=--upgrade
	@local/lock.sh $(OPTIONS)

.PHONY: adopt audit bench bench-cold-start bench-run bench-warehouse build certify check clean demo demo-down deploy docs docs-serve doctor golden help json-shapes jupyter lint lock mutate notebooks picture pictures protect psql remove reference run sam-local saved-queries setup setup-browser setup-containers setup-test soak stop test test-all types validate validate-machines
