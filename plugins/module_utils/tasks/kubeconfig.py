# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_kubeconfig: a cluster's kubeconfig in a file, alone or among others."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils import arguments, files, kubeconfig, wire
from ansible_collections.nhncloud.nks.plugins.module_utils.actions import Action, Plan
from ansible_collections.nhncloud.nks.plugins.module_utils.engine import Job
from ansible_collections.nhncloud.nks.plugins.module_utils.errors import BadInput, BadReply, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils.watch import find_cluster


def run(task):
    """One task of nks_kubeconfig; see the documentation of the module."""
    options = task.options
    if options["state"] == "absent":
        return _absent(task)
    if not options["dest"] and not options["return_content"]:
        raise BadInput("dest", None, "is missing", "name the file to write, or set return_content")
    # Everything that can be wrong with the file is found out before the service is asked.
    destination = _Destination(options) if options["dest"] else None
    watch = task.planned_cluster()
    if watch is not None:
        task.usable(watch)
    context = options["context"] or (watch.last["name"] if watch else options["cluster"])
    single = _from_service(task, watch, context) if watch else kubeconfig.single(kubeconfig.UNKNOWN, context, options["set_current_context"])
    result = {
        "path": options["dest"],
        "context": context,
        "server": kubeconfig.server(single, context) if watch else None,
        "certificate_expiry": kubeconfig.certificate_expiry(single, context),
        "plan": Plan(),
    }
    if options["return_content"] and watch:
        result["kubeconfig"] = kubeconfig.render(single)
    if destination is not None:
        result.update(destination.put(single, context, task.check_mode))
    return result


def _from_service(task, watch, context):
    """The cluster's kubeconfig with the one context.

    :raises BadReply: what the service returned is not a kubeconfig.
    """
    reply = task.api.kubeconfig(watch.cluster)
    source = "The kubeconfig that the service returned for %s (request id %s)" % (watch.name, reply.request_id)
    text = reply.get("config")
    if not isinstance(text, str):
        raise BadReply("%s is not there (no 'config' in the answer). Look at the cluster's status and events." % source, request_id=reply.request_id)
    try:
        return kubeconfig.single(kubeconfig.parse(text, source), context, task.options["set_current_context"], source)
    except NksError as error:
        error.values.setdefault("request_id", reply.request_id)
        raise


def _absent(task):
    options = task.options
    if not options["dest"]:
        raise BadInput("dest", None, "is missing", "name the file to take the kubeconfig out of")
    destination = _Destination(options)
    # Only the name of the context could need the service, and only for a cluster given by its UUID.
    context = options["context"] or options["cluster"]
    if options["merge"] and not options["context"] and wire.is_uuid(options["cluster"]):
        reply = find_cluster(task.api, options["cluster"])
        if reply is None:
            raise NksError(
                "context: cluster '%s' is not there any more, so its name is not known; set context to the name of the entries to take out."
                % options["cluster"]
            )
        context = reply.get("name")
    result = {"path": options["dest"], "context": context, "server": None, "certificate_expiry": None}
    return dict(result, **destination.take_out(context, task.check_mode))


class _Destination:
    """The file of the task: what is in it, what should be, and the one way to get there.

    :raises NksError: the file cannot be read or written, or an option about it is wrong.
    """

    def __init__(self, options):
        self.path = options["dest"]
        self.merges = options["merge"]
        self.makes_backup = options["backup"]
        self.sets_current = options["set_current_context"]
        self.owner, self.group = options["owner"], options["group"]
        files.owner_ids(self.owner, self.group)
        self.text = files.read(self.path)
        present = files.attributes(self.path)
        self.mode = files.parse_mode(options["mode"], current=present["mode"] if present else None)
        if options["state"] == "present":
            files.check_destination(self.path)
        self.config = self._parsed()

    def _parsed(self):
        """The present kubeconfig; None where there is no file, or (without merge) one that is not a kubeconfig."""
        if self.text is None:
            return None
        try:
            return kubeconfig.parse_existing(self.text, self.path)
        except NksError:
            if self.merges:
                raise
            return None

    def put(self, single, context, check_mode):
        """Bring the kubeconfig and the file's mode and owner to what is wanted."""
        if self.merges:
            text = kubeconfig.merge(self.text, single, context, self.sets_current, self.path)
        else:
            same = self.config is not None and kubeconfig.equal(self.config, single)
            text = self.text if same else kubeconfig.render(single)
        changes = {}
        if text != self.text:
            after = kubeconfig.parse(text, self.path)
            changes["kubeconfig"] = kubeconfig.describe_change(self.config, after, context)
        attributes = files.correct(self.path, self.mode, self.owner, self.group, check_mode=True)
        changes.update({option: (change["before"], change["after"]) for option, change in attributes.items()})
        return self._write(text, changes, check_mode)

    def take_out(self, context, check_mode):
        """Remove the entries of the context, or (without merge) the file."""
        if self.text is None:
            return {"plan": Plan()}
        if not self.merges:
            backup = self._backup(check_mode)
            if not check_mode:
                files.remove(self.path)
            return dict(backup, plan=Plan([Action("remove", "file/%s" % self.path, {"state": ("present", "absent")})]))
        text = kubeconfig.remove(self.text, context, self.path)
        changes = {}
        if text != self.text:
            changes["kubeconfig"] = kubeconfig.describe_change(self.config, kubeconfig.parse(text, self.path), context)
        return self._write(text, changes, check_mode)

    def _write(self, text, changes, check_mode):
        if not changes:
            return {"plan": Plan()}
        backup = {}
        if "kubeconfig" in changes:
            backup = self._backup(check_mode)
            if not check_mode:
                files.write(self.path, text, self.mode, self.owner, self.group)
        elif not check_mode:
            files.correct(self.path, self.mode, self.owner, self.group)
        return dict(backup, plan=Plan([Action("write", "file/%s" % self.path, changes)]))

    def _backup(self, check_mode):
        if not self.makes_backup or self.text is None or check_mode:
            return {}
        return {"backup_file": files.backup(self.path)}


JOB = Job(
    "nks_kubeconfig",
    dict(
        arguments.auth(),
        cluster={"type": "str", "required": True},
        dest={"type": "path"},
        mode={"type": "raw", "default": "0600"},
        owner={"type": "str"},
        group={"type": "str"},
        backup={"type": "bool", "default": False},
        merge={"type": "bool", "default": False},
        context={"type": "str"},
        set_current_context={"type": "bool", "default": True},
        return_content={"type": "bool", "default": False},
        **arguments.state("present", "absent"),
        **arguments.wait(),
    ),
    run,
)
