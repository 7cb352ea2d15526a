# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_kubeconfig: a cluster's kubeconfig in a file, alone or among others."""

from __future__ import annotations

import contextlib

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    BadInput,
    BadReply,
    NksError,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._local import (
    files,
    kubeconfig,
    kubeconfig_diff,
    kubeconfig_edit,
    locks,
    modes,
    paths,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire
from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import find_cluster
from ansible_collections.nhncloud.nks.plugins.module_utils._plan.operations import Operation, Plan
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks import arguments
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import Job


def run(task):
    """One task of nks_kubeconfig; see the documentation of the module."""
    options = task.options
    if options["state"] == "absent":
        return _absent(task)
    if not options["dest"] and not options["return_content"]:
        raise BadInput("dest", None, "is missing", "name the file to write, or set return_content")
    # Everything that can be wrong with the file is found out before the service is asked.
    destination = _Destination(task) if options["dest"] else None
    if destination is not None:
        destination.refuse_foreign(_known_context(options))
    watch = task.planned_cluster()
    if watch is not None:
        task.usable(watch)
    context = options["context"] or (watch.last["name"] if watch else options["cluster"])
    single = (
        _from_service(task, watch, context)
        if watch
        else kubeconfig.predicted(context, options["set_current_context"])
    )
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
        result.update(destination.put(single, context))
    return result


def _from_service(task, watch, context):
    """The cluster's kubeconfig with the one context.

    :raises BadReply: what the service returned is not a kubeconfig.
    """
    reply = task.api.kubeconfig(watch.cluster)
    source = "The kubeconfig that the service returned for %s (request id %s)" % (
        watch.name,
        reply.request_id,
    )
    text = reply.get("config")
    if not isinstance(text, str):
        raise BadReply(
            "%s is not there (no 'config' in the answer). Look at the cluster's status and events."
            % source,
            request_id=reply.request_id,
        )
    try:
        return kubeconfig.single(
            kubeconfig.parse(text, source), context, task.options["set_current_context"], source
        )
    except NksError as error:
        error.values.setdefault("request_id", reply.request_id)
        raise


def _known_context(options):
    """The name of the context as far as the options alone tell it; None for a cluster given by its UUID."""
    return options["context"] or (None if wire.is_uuid(options["cluster"]) else options["cluster"])


def _makes_no_request(options):
    """Whether the task needs nothing of the service: entries are taken out of a file by their name."""
    return options["state"] == "absent" and bool(
        _known_context(options) or _deletes_anything(options)
    )


def _deletes_anything(options):
    return options["force"] and not options["merge"]


def _absent(task):
    options = task.options
    if not options["dest"]:
        raise BadInput("dest", None, "is missing", "name the file to take the kubeconfig out of")
    destination = _Destination(task)
    context = _known_context(options)
    destination.refuse_foreign(context)
    if context is None and destination.is_there and not _deletes_anything(options):
        reply = find_cluster(task.api, options["cluster"])
        if reply is None:
            raise NksError(
                "context: cluster '%s' is not there any more, so its name is not known; set context to the name of the entries to remove."
                % options["cluster"]
            )
        context = reply.get("name")
    context = context or options["cluster"]
    result = {
        "path": options["dest"],
        "context": context,
        "server": None,
        "certificate_expiry": None,
    }
    return dict(result, **destination.take_out(context))


class _Destination:
    """The file of the task: what is in it, what should be, and the one way to get there.

    The file is looked at before the service is asked, so that what cannot be is told at once; then, after everything
    that may take its time, once more; and where there is something to do, a last time under the lock that kubectl takes,
    which is held until it is done. What others write at any moment stays, and the plan is that of what is written.

    :raises NksError: the file cannot be read or written, or an option about it is wrong.
    """

    def __init__(self, task):
        options = task.options
        self.path = options["dest"]
        self.state = options["state"]
        self.merges = options["merge"]
        self.forces = options["force"]
        self.makes_backup = options["backup"]
        self.sets_current = options["set_current_context"]
        self.unsafe_writes = options["unsafe_writes"]
        self.given_mode, self.owner, self.group = (
            options["mode"],
            options["owner"],
            options["group"],
        )
        self.clock, self.check_mode = task.clock, task.check_mode
        modes.owner_ids(self.owner, self.group)
        modes.parse_mode(self.given_mode)
        if self.state == "present":
            paths.check_destination(self.path, self.unsafe_writes)
        self._look_carefully()

    def _look_carefully(self):
        """As ``_look``; kubectl writes its files in place, so what is no kubeconfig may be one in a moment."""
        self._look()
        if self.problem is not None and not self.check_mode:
            with contextlib.ExitStack() as stack:
                with contextlib.suppress(NksError):
                    stack.enter_context(locks.locked(self.path, self.clock))
                self._look()

    def _look(self):
        """Read the file.

        :ivar mode: the mode that it is to have.
        :ivar is_there: whether there is a file.
        :ivar text: its text; None where there is no file, or no text in it.
        :ivar config: its meaning, {} where there is no entry in it; None where it is no kubeconfig.
        :ivar problem: why not, as an exception.
        """
        self.text = self.config = self.problem = None
        present = modes.attributes(self.path)
        self.is_there = present is not None
        self.mode = modes.parse_mode(self.given_mode, current=present["mode"] if present else None)
        try:
            self.text = files.read(self.path)
            self.config = kubeconfig.parse_existing(self.text, self.path)
            if not self.merges and not self.config and "#" in (self.text or ""):
                self.config = kubeconfig.parse(
                    self.text, self.path
                )  # refuses what has nothing but comments
        except files.NotText as error:
            self.problem = error
        except NksError as error:
            if self.text is None:
                raise
            self.problem = error

    def refuse_foreign(self, context, leads_there=lambda server: True):
        """Refuse a file that is somebody else's, or where entries of others would be lost.

        :param context: the name of the cluster's entries, as far as it is known.
        :param leads_there: see :func:`kubeconfig.foreign_entries`.
        :raises NksError: the file must neither be changed nor deleted.
        """
        if self.merges and self.problem is not None:
            raise self.problem
        if self.merges or self.forces or not self.is_there:
            return
        doing = "replace" if self.state == "present" else "delete"
        if self.problem is not None:
            raise NksError(
                "%s Set force=true to %s the file whatever is in it; merge=true needs a kubeconfig."
                % (self.problem.msg, doing),
                **self.problem.values,
            )
        foreign = kubeconfig.foreign_entries(self.config, context, leads_there)
        if foreign:
            shown = ", ".join(foreign[:6]) + (
                " and %d more" % (len(foreign) - 6) if len(foreign) > 6 else ""
            )
            raise BadInput(
                "dest",
                self.path,
                "has entries besides those of cluster %s (%s)" % (context, shown)
                if context
                else "has entries of several clusters (%s)" % shown,
                "set merge=true to change only the entries named by context, or force=true to %s the whole file"
                % doing,
            )

    def put(self, single, context):
        """Bring the kubeconfig and the file's mode and owner to what is wanted."""
        url = kubeconfig.server(single, context)

        def plan():
            self.refuse_foreign(context, lambda server: server == url)
            if self.merges:
                text = kubeconfig_edit.merge(
                    self.text, single, context, self.sets_current, self.path
                )
            else:
                same = self.config is not None and kubeconfig.equal(self.config, single)
                text = self.text if same else kubeconfig.render(single)
            attributes = modes.correct(
                self.path, self.mode, self.owner, self.group, check_mode=True
            )
            return self._writing(
                text,
                context,
                {
                    option: (change["before"], change["after"])
                    for option, change in attributes.items()
                },
            )

        return self._converge(plan)

    def take_out(self, context):
        """Remove the entries of the context, or (without merge) the file."""

        def plan():
            self.refuse_foreign(context, lambda server: False)
            if not self.is_there:
                return None, None
            if self.merges:
                return self._writing(
                    kubeconfig_edit.remove(self.text, context, self.path), context, {}
                )
            return Operation(
                "remove", "file/%s" % self.path, {"state": ("present", "absent")}
            ), lambda: files.remove(self.path)

        return self._converge(plan)

    def _writing(self, text, context, attributes):
        """(action, function that does it) for another text, other attributes, or both; (None, None) for neither."""
        changes = {}
        if text != self.text:
            changes["kubeconfig"] = kubeconfig_diff.describe_change(
                self.config, kubeconfig.parse(text, self.path), context
            )
        changes.update(attributes)
        if not changes:
            return None, None
        if text == self.text:
            return Operation("write", "file/%s" % self.path, changes), lambda: modes.correct(
                self.path, self.mode, self.owner, self.group
            )
        return (
            Operation("write", "file/%s" % self.path, changes),
            lambda: files.write(
                self.path, text, self.mode, self.owner, self.group, self.unsafe_writes
            ),
        )

    def _converge(self, plan):
        """Look at the file, plan, and do it.

        :param plan: returns (action, function that does it), or (None, None) where there is nothing to do.
        :returns: the part of the result about it.
        """
        if not self.check_mode:
            files.clean(self.path)
        self._look_carefully()
        action, _do = plan()
        if action is None or self.check_mode:
            return {"plan": Plan([action] if action else [])}
        result = {}
        with locks.locked(self.path, self.clock, self.unsafe_writes):
            self._look()
            action, do = plan()
            if action is not None:
                if (
                    self.makes_backup
                    and self.is_there
                    and ("kubeconfig" in action.changes or action.name == "remove")
                ):
                    result["backup_file"] = files.backup(self.path)
                do()
        return dict(result, plan=Plan([action] if action else []))


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
        force={"type": "bool", "default": False},
        context={"type": "str"},
        set_current_context={"type": "bool", "default": True},
        return_content={"type": "bool", "default": False},
        unsafe_writes={
            "type": "bool",
            "default": False,
            "fallback": (arguments.from_environment, ["ANSIBLE_UNSAFE_WRITES"]),
        },
        **arguments.state("present", "absent"),
        **arguments.wait(),
    ),
    run,
    offline=_makes_no_request,
)
