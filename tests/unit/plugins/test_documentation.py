# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds every module's documentation, fragments included, against the table of arguments that the code is made from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.nhncloud.nks.plugins.doc_fragments.auth import ModuleDocFragment as AuthFragment
from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
from ansible_collections.nhncloud.nks.plugins.module_utils._entry.jobs import JOBS
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import digest
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments

ROOT = Path(__file__).resolve().parents[3]
COLLECTION = "nhncloud.nks"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")

#: What each module promises to return; users' playbooks depend on these names.
RETURNS = {
    "nks_autoscale": {"autoscale", "actions", "plan_digest"},
    "nks_autoscale_info": {"autoscale", "result"},
    "nks_certificate": {"certificate", "actions", "plan_digest"},
    "nks_cluster": {"cluster", "actions", "plan_digest"},
    "nks_cluster_info": {"clusters", "result"},
    "nks_event_info": {"events", "result"},
    "nks_fleet": {"clusters", "summary", "actions", "plan_digest"},
    "nks_fleet_info": {"clusters", "omitted", "result"},
    "nks_ipacl": {"ipacl", "actions", "plan_digest"},
    "nks_ipacl_info": {"ipacl", "result"},
    "nks_kubeconfig": {"path", "context", "server", "certificate_expiry", "backup_file", "kubeconfig", "actions", "plan_digest"},
    "nks_node": {"nodes", "actions", "plan_digest"},
    "nks_nodegroup": {"nodegroup", "actions", "plan_digest"},
    "nks_nodegroup_info": {"nodegroups", "result"},
    "nks_resource_info": {"resources", "result"},
    "nks_version_info": {"kubernetes_versions", "event_types", "result"},
}

#: In which version each module was added, if not in the first one.
ADDED = {"nks_fleet": "1.1.0", "nks_fleet_info": "1.1.0"}

#: Fields of returned values that the collection makes itself, exactly.
FIELDS = {
    ("nks_certificate", "certificate"): {"expiry", "days_left", "term_of_validity"},
    ("nks_fleet", "clusters"): {"name", "region", "changed", "failed", "skipped", "msg", "actions", "cluster", "nodegroups", "ipacl", "unmanaged"},
    ("nks_fleet", "summary"): {"ok", "changed", "failed", "skipped"},
    ("nks_fleet_info", "omitted"): {"cluster", "resource", "option", "reason"},
    ("nks_node", "nodes"): {"uuid", "name", "address", "status"},
    ("nks_resource_info", "resources"): {"id", "name"},
    ("nks_version_info", "kubernetes_versions"): {"version", "available"},
}

#: Type of the wire table -> type that the documentation must name.
WIRE_TYPES = {"bool": {"bool"}, "int": {"int"}, "colon_list": {"list"}, "json": {"dict", "list"}}


class Docs:
    """DOCUMENTATION with its fragments, EXAMPLES and RETURN of one module, as ansible-doc reads them."""

    def __init__(self, module: str) -> None:
        path = str(ROOT / "plugins" / "modules" / (module + ".py"))
        doc, examples, returns, _metadata = get_docstring(path, fragment_loader, collection_name=COLLECTION, plugin_type="module")
        assert doc, "no DOCUMENTATION"
        self.doc = doc
        self.examples = yaml.safe_load(examples)
        self.returns = returns


@pytest.fixture(scope="module")
def docs(request: pytest.FixtureRequest) -> Docs:
    """The documentation of the module that the test is about."""
    return Docs(request.param)


def each_module(test):
    """Run a test once for every module."""
    return pytest.mark.parametrize(("docs", "module"), [(name, name) for name in MODULES], indirect=["docs"])(test)


def test_modules_and_jobs_match() -> None:
    assert sorted(JOBS) == MODULES


def normal(option: dict, nested: str) -> dict:
    """An option of either side in one form."""
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "required": option.get("required", False),
        "default": option.get("default"),
        "choices": option.get("choices"),
        "aliases": sorted(option.get("aliases") or []),
        "options": {name: normal(entry, nested) for name, entry in (option.get(nested) or {}).items()},
    }


@each_module
def test_documented_options_match_the_argument_spec(docs: Docs, module: str) -> None:
    documented = {name: normal(option, "suboptions") for name, option in docs.doc["options"].items()}
    accepted = {name: normal(option, "options") for name, option in JOBS[module].arguments.items()}
    assert documented == accepted


def with_suboptions(options: dict, nested: str):
    """Every option and every option inside of one."""
    for name, option in options.items():
        yield name, option
        yield from with_suboptions(option.get(nested) or {}, nested)


@each_module
def test_secret_options_are_documented_as_secret(docs: Docs, module: str) -> None:
    documented = {name: " ".join(option["description"]) for name, option in with_suboptions(docs.doc["options"], "suboptions")}
    secrets = {name for name, option in with_suboptions(JOBS[module].arguments, "options") if option.get("no_log")}
    assert {name for name in documented if "It is a secret and is never shown." in documented[name]} == secrets


@each_module
def test_options_name_their_environment_variable(docs: Docs, module: str) -> None:
    for name, option in JOBS[module].arguments.items():
        variables = option["fallback"][1] if "fallback" in option else []
        text = " ".join(docs.doc["options"][name]["description"])
        assert ["E(%s)" % variable in text for variable in variables] == [True] * len(variables)


@pytest.mark.parametrize("option", sorted(arguments.auth()))
def test_plugin_connection_options_list_environment_variables(option: str) -> None:
    """What argument specs do with a fallback, other plugins do with ``env``; all else is the same."""
    module = yaml.safe_load(AuthFragment.DOCUMENTATION)["options"]
    plugin = yaml.safe_load(AuthFragment.PLUGIN)["options"]
    assert set(module) == set(plugin) == set(arguments.auth())
    entry = dict(plugin[option])
    assert [item["name"] for item in entry.pop("env")] == arguments.auth()[option]["fallback"][1]
    assert entry == module[option]


@each_module
def test_attributes(docs: Docs, module: str) -> None:
    attributes = docs.doc["attributes"]
    assert {"action_group", "async", "check_mode", "diff_mode", "idempotent", "platform"} <= set(attributes)
    assert attributes["check_mode"]["support"] == "full"
    assert attributes["diff_mode"]["support"] == ("N/A" if JOBS[module].reads_only else "full")
    assert attributes["action_group"]["membership"] == [COLLECTION + ".nks"]


@each_module
def test_head(docs: Docs, module: str) -> None:
    assert docs.doc["module"] == module
    assert docs.doc["version_added"] == ADDED.get(module, "0.1.0")
    assert docs.doc["seealso"]
    assert {"python >= 3.8", "requests"} <= set(docs.doc["requirements"])
    assert any("jmespath" in entry for entry in docs.doc["requirements"]) == ("query" in docs.doc["options"])


# -- RETURN ------------------------------------------------------------------------------------------------------------


@each_module
def test_return_values_match_the_promised_names(docs: Docs, module: str) -> None:
    assert set(docs.returns) == RETURNS[module]
    for (owner, key), fields in FIELDS.items():
        if owner == module:
            assert set(docs.returns[key]["contains"]) == fields


def check_return(name: str, entry: dict, top: bool) -> None:
    """One value that is returned, and what it contains."""
    assert entry.get("description"), name
    assert entry.get("type"), name
    assert bool(entry.get("returned")) == top, name
    assert (entry["type"] == "list") == ("elements" in entry), name
    assert "sample" in entry or entry.get("contains"), name
    expected = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict}.get(entry["type"])
    if expected and entry.get("sample") is not None:
        assert isinstance(entry["sample"], expected), name
    for inner, value in (entry.get("contains") or {}).items():
        check_return("%s.%s" % (name, inner), value, False)


@each_module
def test_returned_values_are_described_with_types_and_samples(docs: Docs, module: str) -> None:
    for name, entry in docs.returns.items():
        check_return(name, entry, True)


@each_module
def test_documented_digest_is_that_of_the_documented_actions(docs: Docs, module: str) -> None:
    if "plan_digest" in docs.returns:
        action = {name: value["sample"] for name, value in docs.returns["actions"]["contains"].items()}
        assert docs.returns["plan_digest"]["sample"] == digest([action])


@each_module
def test_documented_field_types_match_the_code(docs: Docs, module: str) -> None:
    """Wherever a field of the service is returned, it is typed by the one table."""
    for key in {"cluster", "clusters", "nodegroup", "nodegroups", "autoscale"} & set(docs.returns):
        fields = docs.returns[key]["contains"]
        labels = (fields.get("labels") or {}).get("contains") or {}
        for table, shown in ((wire.FIELDS, fields), (wire.LABELS, labels), (wire.AUTOSCALE, fields)):
            for name, value in shown.items():
                if name in table:
                    assert value["type"] in WIRE_TYPES[table[name]], name


@pytest.mark.parametrize(
    ("one", "key", "other", "other_key"),
    [
        ("nks_cluster", "cluster", "nks_cluster_info", "clusters"),
        ("nks_nodegroup", "nodegroup", "nks_nodegroup_info", "nodegroups"),
        ("nks_autoscale", "autoscale", "nks_autoscale_info", "autoscale"),
        ("nks_ipacl", "ipacl", "nks_ipacl_info", "ipacl"),
    ],
)
def test_info_modules_return_the_same_fields(one: str, key: str, other: str, other_key: str) -> None:
    if one not in MODULES or other not in MODULES:
        pytest.skip("not there yet")
    assert Docs(one).returns[key]["contains"] == Docs(other).returns[other_key]["contains"]


# -- EXAMPLES ----------------------------------------------------------------------------------------------------------

KEYWORDS = {"name", "register", "when", "loop", "vars", "no_log", "delegate_to", "until", "retries", "delay", "loop_control", "check_mode"}


def check_arguments(given: dict, options: dict, where: str) -> None:
    """The options of an example exist, the required ones are there, and choices are kept."""
    known = {}
    for name, option in options.items():
        known.update(dict.fromkeys([name, *(option.get("aliases") or [])], name))
    assert set(given) <= set(known), where
    used = {known[name] for name in given}
    assert {name for name, option in options.items() if option.get("required")} <= used, where
    for name, value in given.items():
        option = options[known[name]]
        if option.get("choices"):
            assert value in option["choices"], where
        if option.get("suboptions"):
            # What a template gives is not known here.
            for item in [item for item in (value if isinstance(value, list) else [value]) if not (isinstance(item, str) and "{{" in item)]:
                check_arguments(item, option["suboptions"], "%s.%s" % (where, name))


@each_module
def test_examples_use_this_module_with_existing_options(docs: Docs, module: str) -> None:
    assert isinstance(docs.examples, list)
    own = 0
    for task in docs.examples:
        actions = [key for key in task if key not in KEYWORDS]
        assert len(actions) == 1, task
        assert task["name"][0].isupper(), task
        if actions[0] == "%s.%s" % (COLLECTION, module):
            own += 1
            check_arguments(task[actions[0]] or {}, docs.doc["options"], task["name"])
        else:
            assert actions[0].startswith(("ansible.builtin.", COLLECTION + ".")), task
    assert own


# -- guides ------------------------------------------------------------------------------------------------------------


def rows(guide: str, heads: list[str]) -> list[list[str]]:
    """The cells of the table with these heads."""
    lines = (ROOT / "docs" / guide).read_text(encoding="utf-8").splitlines()
    start = lines.index("| %s |" % " | ".join(heads)) + 2
    found = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def named(cell: str) -> set[str]:
    """What stands in code marks."""
    return {part for number, part in enumerate(cell.split("`")) if number % 2}


def test_operations_table_is_complete_and_correct() -> None:
    operations = rows("operations.md", ["Operation", "Request", "Method", "Module and option", "Test"])
    lookups = rows("operations.md", ["What", "Request", "Method", "Where"])
    assert len(operations) == 25
    methods = {method for row in operations + lookups for method in named(row[2])} - {"identity.py"}
    public = {name for name in vars(Api) if not name.startswith("_")}
    assert methods <= public
    # Every request that the code can make is in one of the two tables.
    assert public - methods <= {"service_endpoints"}
    targets = {path.parents[1].name for path in (ROOT / "tests" / "integration" / "targets").glob("*/tasks/main.yml")}
    for row in operations:
        assert named(row[4]) and named(row[4]) <= targets, row
        options = {name for module in named(row[3]) & set(MODULES) for name in JOBS[module].arguments}
        assert {name.partition(":")[0] for name in named(row[3])} - set(MODULES) <= options | {"autoscale"}, row


@pytest.mark.parametrize("path", [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"], ids=lambda path: path.name)
def test_guides_use_existing_options_and_modules(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    for block in blocks:
        content = yaml.safe_load(block)
        tasks = content if isinstance(content, list) else []
        for task in [inner for item in tasks for inner in item.get("tasks", [item])]:
            for module in MODULES:
                if "%s.%s" % (COLLECTION, module) in task:
                    check_arguments(task["%s.%s" % (COLLECTION, module)] or {}, Docs(module).doc["options"], task["name"])
    for module in re.findall(r"\bnks_\w+\b(?=`| |:)", text):
        if module.endswith("_info") or module in RETURNS:
            assert module in MODULES, module
    for link in re.findall(r"\]\(([^)#:]+\.md|[A-Z]+)\)", text):
        assert (path.parent / link).exists(), link
