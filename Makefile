# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Any Python 3 can start the programs; they find the best one and make their environments below .cache.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.14 python3.11,$(shell command -v $(name) 2>/dev/null)))
START = $(if $(PYTHON),$(PYTHON),$(error Python 3.11, 3.12, 3.13 or 3.14 is needed and no python3 was found on PATH (Debian: apt-get install python3 python3-venv))) -B tests/tools/start.py

.DEFAULT_GOAL := help
# PROGRAMS="soak.py" runs only that one.
.PHONY: help test test-quick test-matrix demo benchmark docs lint format changelog release-check generate measures clean

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

demo:  ## Run the demonstration against a simulated cloud, without credentials (1 minute)
	@$(START) demo

test:  ## Run everything that must pass; PARTS="units sanity" runs only these parts
	@$(START) run_tests $(PARTS)

test-quick:  ## Run the quick parts: formatting, types, lint, unit tests
	@$(START) run_tests --quick $(PARTS)

test-matrix:  ## Run sanity, unit and integration tests on every supported ansible-core and Python; PARTS="2.22" the next release (1 hour)
	@$(START) run_tests --matrix $(PARTS)

benchmark:  ## Run the benchmarks: the soak tests with failing requests, the cost of tasks, fleets and inventories (10 minutes)
	@$(START) benchmark $(PROGRAMS)

docs:  ## Build the documentation site below .cache/site/html and check its links (1 minute)
	@$(START) docsite

lint:  ## Run the sessions of antsibull-nox.toml: format, types, licenses, rules of Ansible; SESSIONS="typing yamllint" runs only these
	@$(START) sessions $(SESSIONS)

format:  ## Format every Python file
	@$(START) sessions --fix formatters

changelog:  ## Make the release of galaxy.yml's version from the fragments, or write the existing one again
	@$(START) changelog

generate:  ## Generate every file that comes from the table of options: documentation, argument specs of the role, JSON schema
	@$(START) generate

measures:  ## Print figures about the shape of the code: lines, types, long functions
	@$(START) measures

release-check:  ## Verify that a release can be made: version, changelog, everything committed, the demonstration from the installed tarball
	@$(START) run_tests --release $(PARTS)

clean:  ## Remove everything that make writes
	rm -rf .cache .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/output tests/integration/integration_config.yml
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
