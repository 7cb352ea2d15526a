# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that ``make test`` runs: all parts, two at a time, each in its own environment.

A part counts what it ran from the output of its tool, never from the exit status alone: several of these tools silently skip their
work and report success. A part that ran nothing has failed.

The last line is ``N passed, N failed``.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import fcntl
import functools
import json
import re
import shutil
import sys
import tarfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TextIO
from xml.etree import ElementTree

import envs
import release
import sessions
import targets
from envs import CACHE, ROOT, SetupError, say

SHOWN_LINES = 120  # of a failed part's output; its log has all of it


class Tally(NamedTuple):
    """The result of one part."""

    passed: int
    failed: int
    note: str = ""


class Log:
    """The output of one part, kept in a file and shown if the part fails."""

    def __init__(self, name: str) -> None:
        self.path = CACHE / "logs" / (re.sub(r"\W+", "-", name) + ".log")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("")

    def write(self, text: str) -> None:
        """Add lines."""
        with self.path.open("a") as file:
            file.write(text.rstrip("\n") + "\n")

    def run(self, command: list, *, env: dict[str, str], cwd: Path = ROOT, limit: float = 1800, quiet: bool = False) -> tuple[int, str]:
        """Run a command; return its status and its output, which also goes to the log unless ``quiet`` is set."""
        words = [str(word) for word in command]
        status, output = targets.run_group(words, cwd, env, limit)
        if not quiet:
            self.write("$ %s%s" % (" ".join(words[:12]), " …" if len(words) > 12 else ""))
            self.write(output)
        return status, output


Part = Callable[[Log], Tally]


def _python_files() -> list[str]:
    return [name for name in envs.tree_files() if name.endswith(".py")]


def _at_least_one_failed(status: int | bool, failed: int) -> int:
    """Count a failure without a number as one."""
    return max(failed, 1) if status else failed


# Reading the code


def _sessions(log: Log, tree: Path, *names: str, arguments: tuple[str | Path, ...] = ()) -> tuple[int, str, dict[str, int]]:
    """Run sessions of antsibull-nox.toml in a copy of the tree; return a count of what failed, the output, and findings by file.

    A session that omits something prints "Skip" and succeeds; that is right only if the tree has nothing to check.
    """
    status, output = sessions.run(list(names), tree, lambda command, env, cwd: log.run(command, env=env, cwd=cwd), arguments=arguments)
    findings: dict[str, int] = {}
    for name in re.findall(r"^(\S+?):\d+:\d+: ", output, re.MULTILINE):
        findings[name] = findings.get(name, 0) + 1
    done = re.findall(r"^nox > Session (\S+) was successful", output, re.MULTILINE)
    left_out = [line for line in re.findall(r"^nox > .*\bSkip.*", output, re.MULTILINE) if "extra docs" not in line]
    undone = sorted(set(names) - set(done))
    for line in left_out:
        log.write("Something was skipped: " + line)
    for name in undone:
        log.write("The session %s did not succeed." % name)
    return _at_least_one_failed(status, len(set(undone)) + len(left_out)), output, findings


def formatting(log: Log) -> Tally:
    """Check formatting and lint of every Python file: ruff, in the sessions formatters and codeqa."""
    failed, output, findings = _sessions(log, envs.copy_tree("formatting"), "formatters", "codeqa")
    files = _python_files()
    bad = set(findings) | set(re.findall(r"^Would reformat: (.*)$", output, re.MULTILINE))
    seen = sum(map(int, re.findall(r"(\d+) files? (?:already formatted|would be reformatted)", output)))
    if seen != len(files):
        log.write("ruff saw %d of %d Python files: a directory is missing in antsibull-nox.toml." % (seen, len(files)))
        failed += 1
    return Tally(max(seen - len(bad), 0), max(failed, len(bad)), "Python files")


def types(log: Log) -> Tally:
    """Check types of every Python file: mypy, in the session typing."""
    report = log.path.with_suffix(".lines")
    shutil.rmtree(report, ignore_errors=True)
    failed, dummy_output, findings = _sessions(log, envs.copy_tree("types"), "typing", arguments=("--linecount-report", report))
    text = (report / "linecount.txt").read_text() if (report / "linecount.txt").exists() else ""
    checked = set(re.findall(r"(\S+)$", text, re.MULTILINE))
    expected = {re.sub(r"(/__init__)?\.py$", "", name).replace("/", ".") for name in _python_files() if name.startswith("plugins/")}
    missing = sorted(name for name in expected if "ansible_collections.nhncloud.nks." + name not in checked)
    for name in missing:
        log.write("mypy did not check " + name)
    return Tally(max(len(checked) - len(findings), 0), max(failed, len(findings)) + len(missing), "modules")


def ansible_lint(log: Log) -> Tally:
    """Lint playbooks, roles, targets and metadata with the production profile: ansible-lint, in the session of that name."""
    failed, output, dummy_findings = _sessions(log, envs.copy_tree("ansible-lint"), "ansible-lint")
    summary = re.search(r"(\d+) failure\(s\), (\d+) warning\(s\) in (\d+) files processed.*Profile 'production' was required", output)
    if not summary:
        return Tally(0, 1, "no summary line was found")
    failures, warnings, files = map(int, summary.groups())
    return Tally(files, max(failed, failures + warnings), "files")


def rules(log: Log) -> Tally:
    """Check the rules for collections: licenses of all files, action group, YAML, files that plugins may have."""
    names = ("antsibull-nox-config", "yamllint", "license-check", "extra-checks")
    failed, output, findings = _sessions(log, envs.copy_tree("rules"), *names)
    licensed = re.search(r"^\* Files with license information: (\d+) / (\d+)$", output, re.MULTILINE)
    if not licensed:
        return Tally(0, max(failed, 1), "no summary of licenses was found")
    passed = int(licensed.group(1)) - len(findings)
    return Tally(passed, max(failed, len(findings)), "files; sessions " + ", ".join(names))


def galaxy_importer(log: Log) -> Tally:
    """Import the tarball as Ansible Galaxy does: galaxy-importer, in the session build-import-check."""
    failed, output, dummy_findings = _sessions(log, envs.copy_tree("importer"), "build-import-check")
    loaded = re.findall(r"^Loading (?:action|inventory|module|playbook|role) \S+$", output, re.MULTILINE)
    complaints = set(re.findall(r"^(?:CRITICAL|ERROR|WARNING): .*$", output, re.MULTILINE))
    # Its ansible-lint does not find the collection itself, so it reports the playbooks that docs/awx/project imports.
    known = {"WARNING: ERROR    Failed to find nhncloud.nks.%s playbook." % path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    complaints -= known
    if "Importer processing completed successfully" not in output:
        failed = max(failed, 1)
    return Tally(len(loaded), max(failed, len(complaints)), "plugins, playbooks and roles")


def documentation(log: Log) -> Tally:
    """Check that every plugin is documented and that documentation is well formed: antsibull-docs in the session docs-check, ansible-doc."""
    bin_folder = envs.lint_env()
    tree = envs.copy_tree("docs")
    failed, dummy_output, findings = _sessions(log, tree, "docs-check")
    failed = max(failed, sum(findings.values()))
    # It does not report what it checked, so it must find a deliberate mistake.
    log.write("\nWith a mistake, which must be found:")
    sample = next((tree / "plugins" / "modules").glob("*_info.py"))
    text = sample.read_text()
    sample.write_text(text.replace("\ndescription:\n  - ", "\ndescription:\n  - See O(an_option_that_is_not_there). ", 1))
    if "an_option_that_is_not_there" not in _sessions(log, tree, "docs-check")[1]:
        log.write("The mistake was not found.")
        failed += 1
    sample.write_text(text)
    env = envs.environment(bin_folder, ANSIBLE_COLLECTIONS_PATH=str(tree.parents[2]))
    passed = 0
    for kind, files, doc in (("module", "plugins/modules/*.py", "doc"), ("inventory", "plugins/inventory/*.py", "doc"), ("role", "roles/*", "entry_points")):
        there = sorted(path.stem for path in tree.glob(files) if path.stem != "__init__")
        names = ["nhncloud.nks." + name for name in there]
        text = log.run([bin_folder / "ansible-doc", "--json", "--type", kind, *names], env=env, cwd=tree, quiet=True)[1] if names else ""
        known = json.JSONDecoder().raw_decode(text[text.index("{") :])[0] if "{" in text else {}
        missing = [name for name in there if not known.get("nhncloud.nks." + name, {}).get(doc)]
        if missing:
            log.write(text)
        log.write("%s: documented %d of %d%s" % (kind, len(there) - len(missing), len(there), "".join(", not " + name for name in missing)))
        passed += len(there) - len(missing)
        failed += len(missing)
    return Tally(passed, failed, "documented plugins and roles")


def site(log: Log) -> Tally:
    """Build the documentation site without a warning, with a page for everything that has one, and check its links."""
    status, output = log.run([sys.executable, "-B", ROOT / "tests" / "tools" / "docsite.py"], env=envs.environment())
    summary = re.search(r"^(\d+) pages, (\d+) links, (\d+) faults$", output, re.MULTILINE)
    if not summary:
        return Tally(0, 1, "no summary line was found")
    pages, links, faults = map(int, summary.groups())
    return Tally(pages if links else 0, _at_least_one_failed(status, faults), "pages; %d links" % links)


def changelog(log: Log) -> Tally:
    """Check the changelog's configuration, fragments and releases: antsibull-changelog."""
    bin_folder = envs.lint_env()
    tree = envs.copy_tree("changelog")
    status, output = log.run([bin_folder / "antsibull-changelog", "lint"], env=envs.environment(bin_folder), cwd=tree)
    fragments = [path for path in (tree / "changelogs" / "fragments").glob("*") if not path.name.startswith(".")]
    releases = (tree / "changelogs" / "changelog.yaml").exists()
    bad = len({line.split(":")[0] for line in output.splitlines() if re.match(r"\S+:\d+:\d+: ", line)})
    return Tally(len(fragments) + releases - bad, _at_least_one_failed(status, bad), "fragments and release files")


EXAMPLE_TARGET = "module_nks_cluster"


def example(log: Log) -> Tally:
    """Apply the example of CONTRIBUTING.md in a copy: its changes in their order, "make generate", and then the tests.

    All unit tests are run: which of them concern a change is not known before one of them fails.
    """
    bin_folder, dummy_version, dummy_core = envs.controller_env()
    tree = envs.copy_tree("example")
    changes = re.findall(r"^```diff\n(.*?)^```$", (tree / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
    failed = 0
    for number, change in enumerate(changes, 1):
        patch = log.path.with_suffix(".%d.diff" % number)
        patch.write_text(change)
        failed += log.run(["git", "apply", "--verbose", "-C1", patch], env=envs.environment(), cwd=tree)[0] != 0
    command = [bin_folder / "python", "-B", tree / "tests" / "tools" / "generate.py", "--here"]
    failed += log.run(command, env=envs.environment(bin_folder), cwd=tree)[0] != 0
    outcome = targets.run_target(tree, EXAMPLE_TARGET, bin_folder=bin_folder, managed_python=bin_folder / "python", in_process=True)
    log.write(outcome.output if outcome.failed else "target %s: %d tasks ok" % outcome[:2])
    # Unit tests find the collection by themselves in a checkout; below ansible_collections they leave that to ansible-test.
    checkout = CACHE / "work" / "example-checkout"
    shutil.rmtree(checkout, ignore_errors=True)
    tree.rename(checkout)
    status, passed, bad, dummy_skipped = _pytest(log, bin_folder, checkout)
    failed += outcome.failed + _at_least_one_failed(status, bad)
    return Tally(passed + outcome.passed if changes else 0, failed, "tests and tasks after %d changes" % len(changes))


# What can be in the tarball, by the first part of a path, and which files must be.
PACKAGED = {
    "CHANGELOG.md",
    "COPYING",
    "FILES.json",
    "LICENSES",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "roles",
    "schemas",
}
MUST_BE_PACKAGED = ("COPYING", "LICENSES/", "README.md", "docs/", "meta/", "playbooks/", "plugins/", "roles/", "schemas/")


def _tarball(log: Log, target: Path) -> Path:
    """Build the tarball in the checkout itself, with all untracked files in it."""
    bin_folder, dummy_version, dummy_core = envs.controller_env()
    shutil.rmtree(target, ignore_errors=True)
    command = [bin_folder / "ansible-galaxy", "collection", "build", "--output-path", target, "."]
    status, dummy_output = log.run(command, env=envs.environment(bin_folder))
    tarballs = list(target.glob("*.tar.gz"))
    if status or len(tarballs) != 1:
        raise SetupError("No tarball was built.")
    return tarballs[0]


def build(log: Log) -> Tally:
    """Build the tarball and check it for stray and missing files."""
    with tarfile.open(_tarball(log, CACHE / "build")) as tarball:
        packed = {member.name for member in tarball.getmembers() if not member.isdir()}
    tree = set(envs.tree_files())
    stray = sorted(name for name in packed if name not in tree | {"MANIFEST.json", "FILES.json"} or name.split("/")[0] not in PACKAGED)
    missing = sorted(name for name in tree if name.startswith(MUST_BE_PACKAGED) and name not in packed)
    log.write("".join("does not belong in the tarball: %s\n" % name for name in stray))
    log.write("".join("is missing in the tarball: %s\n" % name for name in missing))
    return Tally(len(packed) - len(stray), len(stray) + len(missing), "files in the tarball")


# Running the code


def _junit(paths: list[Path]) -> tuple[int, int, list[str]]:
    """Return how many tests passed and failed, and the messages of the skipped ones, from JUnit files."""
    passed = failed = 0
    skipped = []
    for path in paths:
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif skip is not None:
                skipped.append("%s %s: %s" % (case.get("classname", ""), case.get("name"), skip.get("message") or skip.text or ""))
            else:
                passed += 1
    return passed, failed, skipped


# What pip says while ansible-test makes its environments.
INSTALLING = re.compile(r"\s|$|Collecting|Downloading|Installing |Looking in|Processing|Requirement already|Successfully|Using cached|WARNING: Location")


def sanity(log: Log, core: str | None = None, python: str | None = None) -> Tally:
    """Run every sanity test of ansible-test, on every Python of the machine, without ignoring anything."""
    bin_folder, version, core = envs.controller_env(core, python)
    tree = envs.copy_tree("sanity-%s-%s" % (core, version))
    env = envs.environment(bin_folder)
    dummy_status, listing = log.run([bin_folder / "ansible-test", "sanity", "--list-tests", "--color", "no"], env=env, cwd=tree, quiet=True)
    names = set(re.findall(r"^[a-z][a-z0-9-]*$", listing, re.MULTILINE))
    # The coming ansible-core's pylint wants a library from a source archive, which only some machines may fetch.
    left_out = {"pylint"} & names if core in envs.COMING else set()
    names -= left_out
    command = [bin_folder / "ansible-test", "sanity", "--color", "no", "--python", "default", "--junit"]
    command += [word for name in left_out for word in ("--skip-test", name)]
    status, output = log.run(command, env=env, cwd=tree, quiet=True)
    log.write("\n".join(line for line in output.splitlines() if not INSTALLING.match(line)))
    passed, failed, skipped = _junit(list((tree / "tests" / "output" / "junit").glob("*.xml")))
    ran = set(re.findall(r'^Running sanity test "(.*?)"', output, re.MULTILINE))
    for name in sorted(names - ran):
        log.write("The sanity test %s did not run." % name)
    # An interpreter that this machine lacks is no fault; any other test that could not run is.
    reasons = re.findall(r'Skipping sanity test "(.*?)" (?:on Python ([\d.]+) )?(.*)', output)
    absent = {python for test, python, why in reasons if why.startswith("because it could not be found") and python != version}
    unrun = [test for test, python, why in reasons if python not in absent]
    for test in unrun:
        log.write("The sanity test %s was skipped, see above." % test)
    if not names or "validate-modules" not in ran:
        log.write("ansible-test did not see the collection.")
        failed += 1
    for path in (tree / "tests" / "sanity").glob("ignore*"):
        log.write("%s makes ansible-test ignore errors." % path.relative_to(tree))
        failed += 1
    found = sorted(set(re.findall(r'sanity test "import" on Python ([\d.]+)$', output, re.MULTILINE)) - absent, key=lambda text: int(text[2:]))
    idle = [re.sub(r"sanity (\S+?)(-python-[\d.]+)?: .*", r"\1", text) for text in skipped if "No tests applicable" in text]
    note = "sanity tests%s; ansible-core %s, Python %s%s" % (
        "".join(", without " + name for name in left_out),
        core,
        " ".join(found),
        "; no file to check: " + ", ".join(idle) if idle else "",
    )
    return Tally(passed, _at_least_one_failed(status, failed) + len(names - ran) + len(unrun), note)


def _pytest(log: Log, bin_folder: Path, tree: Path = ROOT) -> tuple[int, int, int, list[str]]:
    """Run all unit tests of a checkout; return pytest's status, how many passed and failed, and the messages of the skipped ones."""
    report = log.path.with_suffix(".xml")
    report.unlink(missing_ok=True)
    # Tests of one process often wait, so two processes are faster even while another part runs.
    command = [bin_folder / "python", "-m", "pytest", "-q", "-n", "2", "--junit-xml", report, "tests/unit"]
    status, dummy_output = log.run(command, env=envs.environment(bin_folder), cwd=tree, limit=1800)
    return status, *_junit([report] if report.exists() else [])


def units(log: Log, core: str | None = None, python: str | None = None) -> Tally:
    """Run the unit tests with pytest in the checkout."""
    bin_folder, version, core = envs.controller_env(core, python)
    status, passed, failed, skipped = _pytest(log, bin_folder)
    for text in skipped:
        log.write("skipped: " + text)
    note = "tests; Python %s, ansible-core %s%s" % (version, core, "; %d skipped" % len(skipped) if skipped else "")
    return Tally(passed, _at_least_one_failed(status, failed), note)


def _managed(core: str) -> tuple[str, Path]:
    """Return the oldest Python of the machine that this ansible-core supports on managed hosts, as an environment with the requirements of modules."""
    oldest = envs.MANAGED[0 if core == envs.OLDEST_CORE else 1 :]
    version = next(name for name in oldest if name in envs.pythons())
    return version, envs.env("managed-%s" % version, envs.pythons()[version], [envs.REQUIREMENTS / "managed.txt"]) / "python"


def units_managed(log: Log) -> Tally:
    """Run the unit tests of the modules' code with ansible-test, on the oldest Python of managed hosts.

    There ansible-test allows only those imports of Ansible that modules can use.
    """
    core = envs.oldest_core()
    bin_folder, controller_version, dummy_core = envs.controller_env(core)
    version, python = _managed(core)
    tree = envs.copy_tree("units")
    command = [bin_folder / "ansible-test", "units", "--color", "no", "--controller", "origin:python=%s" % controller_version]
    command += ["--target-python", "%s@%s" % (version, python)]
    status, dummy_output = log.run(command, env=envs.environment(bin_folder), cwd=tree)
    passed, failed, skipped = _junit(list((tree / "tests" / "output" / "junit").glob("*.xml")))
    note = "tests; Python %s, ansible-core %s%s" % (version, core, "; %d skipped" % len(skipped) if skipped else "")
    return Tally(passed, _at_least_one_failed(status, failed), note)


def integration(log: Log, in_process: bool, core: str | None = None, python: str | None = None) -> Tally:
    """Run every integration target against the simulator through one entry point."""
    bin_folder, python, core = envs.controller_env(core, python)
    tree = envs.copy_tree("integration-%s-%s-%s" % ("in-process" if in_process else "module", core, python))
    managed = bin_folder / "python"
    if not in_process:
        # Modules run on managed hosts, which often have an old Python.
        python, managed = _managed(core)
    names = targets.find_targets(tree)
    passed = failed = 0
    for name in names:
        outcome = targets.run_target(tree, name, bin_folder=bin_folder, managed_python=managed, in_process=in_process)
        if outcome.failed:
            # The error is at the end of a target's output; its successful tasks are not shown.
            log.write("\n===== target %s, NHNCLOUD_IN_PROCESS=%s" % (name, "true" if in_process else "false"))
            log.write("\n".join(line for line in outcome.output.splitlines() if not line.startswith(("ok: ", "skipping: "))))
        log.write("target %s: %d tasks ok, %d failed, %.1f s" % outcome[:4])
        passed += outcome.passed
        failed += outcome.failed
    return Tally(passed if names else 0, failed, "tasks of %d targets; Python %s, ansible-core %s" % (len(names), python, core))


def molecule(log: Log) -> Tally:
    """Run the scenarios of molecule, which start their own simulator, in a copy of the tree."""
    version, python = envs.controller()
    core = envs.NEWEST_CORE[version]
    bin_folder = envs.env("molecule", python, [envs.REQUIREMENTS / ("ansible-%s.txt" % core), envs.REQUIREMENTS / "molecule.txt"])
    tree = envs.copy_tree("molecule")
    env = envs.environment(bin_folder, ANSIBLE_COLLECTIONS_PATH=str(tree.parents[2]), ANSIBLE_DEPRECATION_WARNINGS="true")
    status, output = log.run([bin_folder / "molecule", "test", "--all"], env=env, cwd=tree, limit=900)
    passed = failed = 0
    for name in sorted(path.parent.name for path in (tree / "extensions" / "molecule").glob("*/molecule.yml")):
        recap = re.search(r"^%s +: actions=(\d+) +successful=(\d+) " % re.escape(name), output, re.MULTILINE)
        wanted, done = map(int, recap.groups()) if recap else (1, 0)
        if "%s > idempotence: Executed: Successful" % name not in output:
            log.write("The scenario %s was not run twice." % name)
            wanted += 1
        passed += done
        failed += wanted - done
    if "[DEPRECATION WARNING]" in output:
        log.write("A scenario caused a deprecation warning.")
        failed += 1
    return Tally(passed, _at_least_one_failed(status, failed), "actions; ansible-core %s" % core)


def versions(log: Log, strict: bool = False) -> Tally:
    """Compare the versions in galaxy.yml, the changelog, README.md, meta/runtime.yml and the plugins."""
    found = list(release.check(strict))
    wrong = [text for right, text in found if not right]
    log.write("".join("Not right: %s.\n" % text for text in wrong))
    return Tally(len(found) - len(wrong), len(wrong), "statements; version %s" % release.version())


def awx(log: Log) -> Tally:
    """Run the files of docs/awx as AWX does: a credential, jobs and inventory updates with ansible-runner, and the setup playbook."""
    bin_folder = envs.awx_env()
    report = log.path.with_suffix(".xml")
    report.unlink(missing_ok=True)
    command = [bin_folder / "python", "-m", "pytest", "-q", "--timeout", "300", "--junit-xml", report, "tests/awx"]
    status, dummy_output = log.run(command, env=envs.environment(bin_folder, AWX_COLLECTION=str(envs.awx_collection())), limit=1200)
    passed, failed, skipped = _junit([report] if report.exists() else [])
    return Tally(passed, _at_least_one_failed(status, failed + len(skipped)), "tests of docs/awx, with ansible-runner and ansible-builder")


def demo(log: Log, installed: bool = False) -> Tally:
    """Run the demonstration from the checkout, or with only the installed tarball."""
    bin_folder, dummy_version, dummy_core = envs.controller_env()
    arguments = [_tarball(log, CACHE / "tarball")] if installed else []
    command = [bin_folder / "python", ROOT / "tests" / "tools" / "demo.py", *arguments]
    status, output = log.run(command, env=envs.environment(bin_folder), limit=900)
    steps = len(re.findall(r"^\s*\$ ", output, re.MULTILINE))
    return Tally(steps if not status else max(steps - 1, 0), 1 if status else 0, "steps")


PARTS: dict[str, Part] = {
    "formatting": formatting,
    "types": types,
    "sanity": sanity,
    "integration, in process": lambda log: integration(log, True),
    "integration, module": lambda log: integration(log, False),
    "integration, oldest core": lambda log: integration(log, True, envs.oldest_core()),
    "units": units,
    "units, oldest core": lambda log: units(log, envs.oldest_core()),
    "units, oldest Python": units_managed,
    "molecule": molecule,
    "demo": demo,
    "demo, installed": lambda log: demo(log, True),
    "awx": awx,
    "ansible-lint": ansible_lint,
    "rules": rules,
    "galaxy-importer": galaxy_importer,
    "documentation": documentation,
    "site": site,
    "changelog": changelog,
    "build": build,
    "versions": versions,
    "example": example,
}
# The parts of "make release-check", in addition to "make test".
RELEASE: dict[str, Part] = {
    "build": build,
    "changelog": changelog,
    "versions": lambda log: versions(log, strict=True),
    "demo, installed": PARTS["demo, installed"],
}
# What the matrix runs for each pair of ansible-core and Python.
COLUMNS: dict[str, Callable[..., Tally]] = {
    "sanity": sanity,
    "units": units,
    "in process": lambda log, core, python: integration(log, True, core, python),
    "module": lambda log, core, python: integration(log, False, core, python),
}
ONCE = ("sanity", "module")
QUICK = ("formatting", "types", "units", "ansible-lint")


def matrix() -> dict[str, Part]:
    """Return the parts of the matrix: every column for every pair, or only once for each ansible-core if the column chooses its Pythons."""
    parts: dict[str, Part] = {}
    pairs = envs.matrix()
    newest = dict(pairs)
    for core, python in pairs:
        for column, part in COLUMNS.items():
            if column not in ONCE or newest[core] == python:
                parts["%s, Python %s, %s" % (core, python, column)] = functools.partial(part, core=core, python=python)
    return parts


def show_matrix(results: dict[str, tuple[Tally, float]]) -> None:
    """Print the table of the matrix: tests that passed, and tests that failed, if any."""
    row = "%-12s %-7s" + " %16s" * len(COLUMNS)
    say("\n" + row % ("ansible-core", "Python", *COLUMNS))
    for core, python in envs.matrix():
        cells = []
        for column in COLUMNS:
            tally = results.get("%s, Python %s, %s" % (core, python, column), (None, 0))[0]
            cells.append("-" if tally is None else "%d" % tally.passed if not tally.failed else "%d, %d failed" % (tally.passed, tally.failed))
        if set(cells) != {"-"}:
            say(row % (core, python, *cells))
    say("in process, module: the integration tests through both entry points. Sanity tests run on every Python of the machine, module tests")
    say("on the oldest Python that this ansible-core supports on managed hosts, so both run once for each ansible-core.")


def run_part(name: str, part: Part) -> tuple[str, Tally, float, str]:
    """Run one part; return its name, tally, seconds and, if it failed, the end of its output."""
    started = time.monotonic()
    log = Log(name)
    try:
        tally = part(log)
    except SetupError as error:
        log.write(str(error))
        tally = Tally(0, 1, "could not run")
    except Exception:  # the results of the other parts must not be lost
        log.write(traceback.format_exc())
        tally = Tally(0, 1, "could not run")
    if not tally.passed and not tally.failed:
        log.write("Nothing was run.")
        tally = tally._replace(failed=1)
    lines = log.path.read_text().splitlines() if tally.failed else []
    if len(lines) > SHOWN_LINES:
        lines = ["… the first %d lines are only in %s" % (len(lines) - SHOWN_LINES, log.path.relative_to(ROOT)), *lines[-SHOWN_LINES:]]
    return name, tally, time.monotonic() - started, "\n".join(lines)


def _leave_no_temporary_files(running: TextIO) -> None:
    """Remove temporary files, unless another run is still using its own."""
    try:
        fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    shutil.rmtree(CACHE / "tmp", ignore_errors=True)


def main() -> int:
    """Run the requested parts and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="beginnings of the names of the parts to run: %s" % ", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="only the quick parts: %s" % ", ".join(QUICK))
    parser.add_argument("--matrix", action="store_true", help="instead the tests on every ansible-core and Python; PART begins with a series")
    parser.add_argument("--release", action="store_true", help="instead the checks before a release: %s" % ", ".join(RELEASE))
    parser.add_argument("--jobs", type=int, default=2, help="parts at a time (2)")
    arguments = parser.parse_args()
    parts = matrix() if arguments.matrix else RELEASE if arguments.release else PARTS
    # The next ansible-core runs only if it is requested: its failures must not fail the matrix.
    names = [name for name in parts if name.startswith(tuple(arguments.parts)) or not (arguments.parts or name.startswith(tuple(envs.COMING)))]
    if arguments.quick:
        names = [name for name in names if name in QUICK]
    if not names:
        parser.error("no part has a name with this beginning")

    CACHE.mkdir(exist_ok=True)
    running = (CACHE / "running").open("w")
    fcntl.flock(running, fcntl.LOCK_SH)
    started = time.monotonic()
    width = max(map(len, names)) + 1
    results = {}
    try:
        if envs.NEWEST_CORE[envs.controller()[0]] == envs.oldest_core():
            # An old Python does not support a newer ansible-core: these parts would run twice.
            names = [name for name in names if not name.endswith("oldest core")]
        say("Python %s runs the collection; found: %s" % (envs.controller()[0], ", ".join(envs.pythons())))
        envs.environment()
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            for future in concurrent.futures.as_completed([pool.submit(run_part, name, parts[name]) for name in names]):
                name, tally, seconds, output = future.result()
                results[name] = (tally, seconds)
                if output:
                    say("\n%s\n%s" % ("----- %s failed " % name + "-" * 60, output))
                say("%s %s in %.0f s" % (name.ljust(width), "FAILED" if tally.failed else "ok", seconds))
    except SetupError as error:
        say(str(error))
        say("0 passed, 1 failed")
        return 1
    finally:
        _leave_no_temporary_files(running)

    say("\n%s %7s %7s %8s" % ("part".ljust(width), "passed", "failed", "seconds"))
    for name in names:
        tally, seconds = results[name]
        say("%s %7d %7d %8.0f  %s" % (name.ljust(width), tally.passed, tally.failed, seconds, tally.note))
    if arguments.matrix:
        show_matrix(results)
    passed = sum(tally.passed for tally, dummy in results.values())
    failed = sum(tally.failed for tally, dummy in results.values())
    say("%s %7d %7d %8.0f\n" % ("all".ljust(width), passed, failed, time.monotonic() - started))
    say("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
