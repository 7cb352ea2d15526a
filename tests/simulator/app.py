# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the services together into one WSGI application; faults, the log and latency are in `server`."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from . import control, identity, lookups, nks
from .state import Cloud


def create_app(cloud: Cloud, stop: Callable[[], None], host: str) -> Flask:
    """An application over the given cloud; `stop` is what `POST /_sim/shutdown` calls, `host` the address or name that it listens on."""
    app = Flask("nks-simulator", static_folder=None)
    app.url_map.merge_slashes = False
    app.config["CLOUD"] = cloud
    app.config["STOP"] = stop
    app.config["HOST"] = host
    app.config["PROPAGATE_EXCEPTIONS"] = True
    for module in (control, identity, lookups, nks):
        app.register_blueprint(module.blueprint)

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> Response:
        """Unknown paths and methods, in the form of the service whose path it is."""
        status = error.code or 500
        parts = request.path.split("/")
        if len(parts) > 2 and parts[2] == "kubernetes" and parts[1] in cloud.regions:
            if cloud.token(request.headers.get("X-Auth-Token")) is None:
                return nks.unauthorized()
            return nks.error_response(status, "The resource could not be found." if status == 404 else f"{error.name}.")
        if parts[1] == "_sim":
            return Response(json.dumps({"error": error.name}), status=status, content_type="application/json")
        return Response(f"<html><head><title>{status} {error.name}</title></head></html>", status=status, content_type="text/html")

    return app
