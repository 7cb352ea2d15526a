# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller in memory, as far as the modules of the collection awx.awx need one: objects by name, associations, surveys.

It does what AWX's API does that matters for a second run: secrets are not told, and what was not given has its default.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import flask
import werkzeug.serving

TOKEN = "controller-token"
ENCRYPTED = "$encrypted$"
#: What has to be given to make an object, and may be given; an unknown field is refused, which AWX does not do.
FIELDS = {
    "organizations": ({"name"}, set()),
    "execution_environments": ({"name", "image"}, {"pull", "organization", "credential", "description"}),
    "credential_types": ({"name", "kind"}, {"inputs", "injectors", "description", "managed"}),
    "credentials": ({"name", "credential_type"}, {"inputs", "organization", "description"}),
    "projects": ({"name"}, {"organization", "scm_type", "scm_url", "scm_branch", "credential", "default_environment", "description"}),
    "inventories": ({"name", "organization"}, {"description", "kind", "host_filter", "variables"}),
    "inventory_sources": (
        {"name", "inventory", "source"},
        {"credential", "execution_environment", "overwrite", "overwrite_vars", "source_path", "source_project", "source_vars", "update_cache_timeout"}
        | {"update_on_launch", "verbosity", "description"},
    ),
    "job_templates": (
        {"name", "project", "playbook", "inventory"},
        {"ask_job_type_on_launch", "description", "execution_environment", "job_type", "organization", "survey_enabled"}
        | {"timeout", "forks", "job_slice_count"},
    ),
}
#: Field -> the kind of object that it refers to.
REFERENCES = {
    "credential": "credentials",
    "credential_type": "credential_types",
    "default_environment": "execution_environments",
    "execution_environment": "execution_environments",
    "inventory": "inventories",
    "organization": "organizations",
    "project": "projects",
    "source_project": "projects",
}


class Controller:
    """The server and what is in it; a context manager."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in FIELDS}
        self.surveys: dict[int, dict[str, Any]] = {}
        self.members: dict[int, list[int]] = {}  # job template -> its credentials
        self.changes: list[str] = []
        self.last_id = 0
        self.add("organizations", {"name": "Default"})
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = werkzeug.serving.make_server("127.0.0.1", 0, self._app(), threaded=True)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Controller:
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    # -- what is in it -----------------------------------------------------------------------------------------------

    def add(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Put an object in."""
        self.last_id += 1
        related = {"survey_spec": "/api/v2/job_templates/%d/survey_spec/" % self.last_id} if kind == "job_templates" else {}
        known = {"id": self.last_id, "url": "/api/v2/%s/%d/" % (kind, self.last_id), "type": kind[:-1], "related": related, "summary_fields": {}}
        if kind == "projects":
            known["scm_revision"] = ""
        if kind == "inventories":
            known.update(kind="", host_filter=None)
        self.objects[kind][self.last_id] = dict(known, **fields)
        return self.objects[kind][self.last_id]

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """The objects of a kind, by their names."""
        return {item["name"]: item for item in self.objects[kind].values()}

    def shown(self, kind: str, item: dict[str, Any]) -> dict[str, Any]:
        """An object as the API tells it."""
        if kind != "credentials":
            return item
        fields = self.objects["credential_types"][item["credential_type"]]["inputs"]["fields"]
        secret = {field["id"] for field in fields if field.get("secret")}
        return dict(item, inputs={name: ENCRYPTED if name in secret and value else value for name, value in item.get("inputs", {}).items()})

    # -- the API -----------------------------------------------------------------------------------------------------

    def _app(self) -> flask.Flask:
        app = flask.Flask(__name__)

        @app.before_request
        def allow() -> Any:
            request = flask.request
            if request.path.startswith("/api/v2/") and request.headers.get("Authorization") != "Bearer %s" % TOKEN:
                return {"detail": "Authentication credentials were not provided."}, 401
            if request.method != "GET":
                self.changes.append("%s %s" % (request.method, request.path))
            return None

        @app.after_request
        def name(answer: flask.Response) -> flask.Response:
            answer.headers["X-API-Product-Name"] = "AWX"
            answer.headers["X-API-Product-Version"] = "24.6.1"
            return answer

        @app.get("/api/")
        def versions() -> Any:
            return {"available_versions": {"v2": "/api/v2/"}, "current_version": "/api/v2/"}

        @app.get("/api/v2/<kind>/")
        def find(kind: str) -> Any:
            wanted = flask.request.args
            found = [item for item in self.objects[kind].values() if all(str(item.get(name)) == value for name, value in wanted.items())]
            return {"count": len(found), "next": None, "results": [self.shown(kind, item) for item in found]}

        @app.post("/api/v2/<kind>/")
        def create(kind: str) -> Any:
            fields = flask.request.get_json()
            problem = self._problem(kind, fields) or {name: ["This field is required."] for name in FIELDS[kind][0] - set(fields)}
            return (problem, 400) if problem else (self.shown(kind, self.add(kind, fields)), 201)

        @app.patch("/api/v2/<kind>/<int:ident>/")
        def change(kind: str, ident: int) -> Any:
            fields = flask.request.get_json()
            problem = self._problem(kind, fields)
            if problem:
                return problem, 400
            self.objects[kind][ident].update(fields)
            return self.shown(kind, self.objects[kind][ident])

        @app.get("/api/v2/job_templates/<int:ident>/credentials/")
        def members(ident: int) -> Any:
            found = [self.shown("credentials", self.objects["credentials"][member]) for member in self.members.get(ident, [])]
            return {"count": len(found), "next": None, "results": found}

        @app.post("/api/v2/job_templates/<int:ident>/credentials/")
        def associate(ident: int) -> Any:
            self.members.setdefault(ident, []).append(flask.request.get_json()["id"])
            return "", 204

        @app.get("/api/v2/job_templates/<int:ident>/survey_spec/")
        def survey(ident: int) -> Any:
            return self.surveys.get(ident, {})

        @app.post("/api/v2/job_templates/<int:ident>/survey_spec/")
        def set_survey(ident: int) -> Any:
            self.surveys[ident] = flask.request.get_json()
            return {}

        return app

    def _problem(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        required, optional = FIELDS[kind]
        problem = {name: ["There is no such field."] for name in set(fields) - required - optional}
        for name, other in REFERENCES.items():
            if fields.get(name) is not None and fields[name] not in self.objects[other]:
                problem[name] = ["Invalid pk - object does not exist."]
        return problem
