# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of docs/awx are what AWX takes, and what the collection reads."""

from __future__ import annotations

import json
import re
import stat

import jinja2
import jinja2.sandbox
import jsonschema
import pytest
import yaml
from awx_plugins.interfaces._temporary_private_inject_api import ENV_BLOCKLIST
from private_data import DOCS, credential_type, document, environment_of

ROOT = DOCS.parents[1]
#: Options which are no part of an account: they are set where they are needed, in tasks and inventory files.
NO_CREDENTIAL = {"request_timeout", "max_retries", "token_cache"}
NAME = "^[a-zA-Z_][a-zA-Z0-9_]*$"

# AWX's rules for custom credential types, put down here anew.
INPUTS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["fields"],
    "properties": {
        "required": {"type": "array", "items": {"type": "string"}},
        "fields": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                # AWX would fill in a missing type, and the playbook would then see a difference for ever.
                "required": ["id", "label", "type"],
                "properties": {
                    "id": {"type": "string", "pattern": NAME, "not": {"const": "tower"}},
                    "label": {"type": "string", "minLength": 1},
                    "type": {"enum": ["string", "boolean"]},
                    "help_text": {"type": "string"},
                    "format": {"enum": ["ssh_private_key", "url"]},
                    "choices": {"type": "array", "minItems": 1, "items": {"type": "string"}, "uniqueItems": True},
                    "multiline": {"type": "boolean"},
                    "secret": {"type": "boolean"},
                    "ask_at_runtime": {"type": "boolean"},
                    "default": {"type": ["string", "boolean"]},
                },
                "if": {"properties": {"type": {"const": "boolean"}}},
                "then": {"properties": dict.fromkeys(("choices", "multiline", "format", "secret"), False)},
            },
        },
    },
}
INJECTORS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "file": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {r"^template(\.[a-zA-Z_][a-zA-Z0-9_]*)?$": {"type": "string"}},
        },
        "env": {"type": "object", "additionalProperties": False, "patternProperties": {NAME: {"type": "string", "pattern": "^[\x00-\x7f]*$"}}},
    },
}
QUESTION = {
    "type": "object",
    "required": ["variable", "question_name", "type", "required"],
    "additionalProperties": False,
    "properties": {
        "variable": {"type": "string", "pattern": NAME},
        "question_name": {"type": "string", "minLength": 1},
        "question_description": {"type": "string"},
        "type": {"enum": ["text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float"]},
        "required": {"type": "boolean"},
        "min": {"type": ["integer", "null"]},
        "max": {"type": ["integer", "null"]},
        "default": {},
        "choices": {"type": ["array", "string"]},
    },
}
TYPES = {"integer": int, "float": float, "text": str, "textarea": str, "password": str, "multiplechoice": str}

FIELDS = document("credential-type/inputs.yml")["fields"]
IDS = [field["id"] for field in FIELDS]
ENV = document("credential-type/injectors.yml")["env"]
TEMPLATES = document("job-templates.yml")["nks_job_templates"]
SURVEYS = [template for template in TEMPLATES if "survey" in template]
FULL = {field["id"]: True if field["type"] == "boolean" else "value of %s" % field["id"] for field in FIELDS}


@pytest.mark.parametrize("path", sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.yml")))
def test_file_is_yaml(path):
    assert document(path)


def test_inputs_are_valid_for_awx():
    jsonschema.validate(document("credential-type/inputs.yml"), INPUTS)
    assert len(set(IDS)) == len(IDS)


def test_injectors_are_valid_for_awx():
    injectors = document("credential-type/injectors.yml")
    jsonschema.validate(injectors, INJECTORS)
    labels = [name.partition(".")[2] for name in injectors["file"]]
    assert all(labels) or len(labels) == 1, "one file without a label, or all with one"
    assert not [name for name in injectors["env"] if name.startswith("ANSIBLE_") or name in ENV_BLOCKLIST]
    # AWX accepts a template only if it renders with nothing but the fields.
    strict = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    known: dict[str, object] = dict.fromkeys(IDS, "EXAMPLE")
    known["tower"] = {"filename": dict.fromkeys(labels, "EXAMPLE_FILENAME")}
    for template in [*injectors["file"].values(), *injectors["env"].values()]:
        assert strict.from_string(template).render(known)


@pytest.mark.parametrize("kind, plugin", [("inventory", "nhncloud.nks.nks"), ("module", "nhncloud.nks.nks_cluster_info")])
def test_environment_variables_match_the_collection(ansible_doc, kind, plugin):
    options = ansible_doc(kind, plugin)["options"]
    told = {name: " ".join([*option["description"], *(entry["name"] for entry in option.get("env", []))]) for name, option in options.items()}
    read = {name: "NHNCLOUD_" + name.upper() for name, text in told.items() if re.search(r"\bNHNCLOUD_%s\b" % name.upper(), text)}
    assert set(read) > NO_CREDENTIAL
    assert {variable for name, variable in read.items() if name not in NO_CREDENTIAL} == set(ENV)


def test_fields_are_named_like_options():
    assert {name[len("NHNCLOUD_") :].lower() for name in ENV} - {"validate_certs"} == set(IDS) - {"skip_tls_verification"}


def test_every_field_is_injected_into_its_variable(tmp_path):
    env = environment_of(FULL, tmp_path)
    for name in IDS:
        if name not in ("ca_cert", "skip_tls_verification"):
            assert env.pop("NHNCLOUD_" + name.upper()) == "value of %s" % name
    assert env.pop("NHNCLOUD_VALIDATE_CERTS") == "false"
    file = tmp_path / "env" / env.pop("NHNCLOUD_CA_CERT").rpartition("/")[2]
    assert file.read_text() == "value of ca_cert"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert env == {}


@pytest.mark.parametrize("credential", [{}, dict.fromkeys(set(IDS) - {"skip_tls_verification"}, "")], ids=["missing", "empty"])
def test_empty_credential_sets_empty_variables(tmp_path, credential):
    env = environment_of(credential, tmp_path)
    assert env.pop("NHNCLOUD_VALIDATE_CERTS") == "true", "certificates are verified unless somebody says otherwise"
    assert set(env.values()) == {""}


def test_secret_fields_are_marked_secret():
    assert {field["id"] for field in FIELDS if field.get("secret")} == {"password", "token"}
    assert credential_type().kind == "cloud"


def plays(playbook):
    """Yield the plays of a playbook of the project, with those that it imports."""
    for play in document("project/" + playbook):
        imported = play.get("ansible.builtin.import_playbook")
        if imported:
            assert imported.startswith("nhncloud.nks.")
            for other in yaml.safe_load((ROOT / "playbooks" / (imported.rpartition(".")[2] + ".yml")).read_text()):
                yield dict(other, vars=dict(other["vars"], **play.get("vars", {})))
        else:
            yield play


@pytest.mark.parametrize("template", SURVEYS, ids=lambda template: template["playbook"])
def test_survey_questions_match_playbook_variables(template):
    survey = template["survey"]
    assert set(survey) == {"name", "description", "spec"}
    content = list(plays(template["playbook"]))
    variables = {name: value for play in content for name, value in play["vars"].items()}
    asked = [question["variable"] for question in survey["spec"]]
    assert len(set(asked)) == len(asked)
    for question in survey["spec"]:
        jsonschema.validate(question, QUESTION)
        if question["variable"] in variables:
            assert isinstance(variables[question["variable"]], TYPES[question["type"]]), question["variable"]
        else:
            # What has no default in the playbook is asked for, and nothing is proposed.
            assert question["required"] and "default" not in question, question["variable"]
            assert re.search(r"\{\{ %s\b" % question["variable"], yaml.safe_dump(content, width=1000)), question["variable"]
        if "default" in question:
            assert isinstance(question["default"], TYPES[question["type"]]), question["variable"]
        if question["type"] == "integer":
            assert question["min"] <= question["default"] <= question["max"]


@pytest.mark.parametrize("playbook", ["upgrade.yml", "kubeconfig.yml", "teardown.yml"])
def test_playbooks_have_no_default_cluster_name(playbook):
    """A default would be the name of somebody's cluster."""
    assert [play["vars"].get("cluster_name") for play in plays(playbook)] == [None]


def test_build_survey_covers_all_but_path_and_interval():
    (build,) = [template for template in TEMPLATES if template["playbook"] == "build.yml"]
    (play,) = plays("build.yml")
    assert set(play["vars"]) - {question["variable"] for question in build["survey"]["spec"]} == {"kubeconfig_path", "wait_interval"}


def test_every_playbook_has_a_job_template():
    there = {path.name for path in (DOCS / "project").glob("*.yml") if not path.name.endswith(".nks.yml")}
    assert {template["playbook"] for template in TEMPLATES} == there
    assert len({template["name"] for template in TEMPLATES}) == len(TEMPLATES)


def test_inventory_sources_are_project_files():
    sources = document("inventory-source.yml")
    for name in ("nks_inventory_source", "nks_cluster_source"):
        source = sources[name]
        assert (DOCS / "project" / source["source_path"]).is_file()
        assert all(isinstance(value, str) for value in source.get("source_vars", {}).values())


def test_sliced_template_has_one_host_for_each_document():
    (template,) = [template for template in TEMPLATES if "job_slice_count" in template]
    assert (template["playbook"], template["inventory"]) == ("slices.yml", "clusters")
    assert template["job_slice_count"] > 1 and template["forks"] > 1 and "survey" not in template
    source = document("inventory-source.yml")["nks_cluster_source"]
    # A source that changes between two slices would lose hosts.
    assert source["update_on_launch"] is False
    (group,) = document("project/" + source["source_path"]).values()
    schema = json.loads((ROOT / "schemas" / "nks_cluster_spec.json").read_text())
    found = {path.stem: yaml.safe_load(path.read_text()) for path in (DOCS / "project" / "clusters").glob("*.yml")}
    assert set(group["hosts"]) == set(found)
    for name, content in found.items():
        assert content["name"] == name
        jsonschema.validate(content, schema)


def test_guide_names_every_file():
    guide = (DOCS.parent / "awx.md").read_text()
    for path in DOCS.rglob("*.yml"):
        assert path.relative_to(DOCS).as_posix() in guide, path


def test_collection_matches_galaxy_yml():
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    for name in ("project/collections/requirements.yml", "execution-environment.yml"):
        content = document(name)
        (entry,) = content["dependencies"]["galaxy"]["collections"] if "dependencies" in content else content["collections"]
        assert entry["name"] == galaxy["repository"]
