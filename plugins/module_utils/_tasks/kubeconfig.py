# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nks_kubeconfig: writes a cluster's kubeconfig to a file, alone or among others, and removes it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple

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
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.engine import (
    Job,
    Options,
    Result,
    Task,
)

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._observe.watch import Watch

#: A kubeconfig as :func:`kubeconfig.parse` returns it.
Config = Dict[str, Any]
#: An operation on the file and the function that performs it; None if there is nothing to do.
Step = Optional[Tuple[Operation, Callable[[], Any]]]


def run(task: Task) -> Result:
    """One task of nks_kubeconfig; see the documentation of the module."""
    options = task.options
    if options["state"] == "absent":
        return _absent(task)
    if not options["dest"] and not options["return_content"]:
        raise BadInput(
            "dest", None, "is missing", "set it to the file to write, or set return_content"
        )
    # All checks of the file come before the first request.
    destination = _Destination(task) if options["dest"] else None
    if destination is not None:
        destination.require_own(_known_context(options))
    watch = task.require_or_predict_cluster()
    if watch is not None:
        task.require_created(watch)
    context = options["context"] or (watch.state["name"] if watch else options["cluster"])
    single: Config = (
        _read_kubeconfig(task, watch, context)
        if watch
        else kubeconfig.predicted(context, options["set_current_context"])
    )
    result: Result = {
        "path": options["dest"],
        "context": context,
        "server": kubeconfig.server(single, context) if watch else None,
        "certificate_expiry": kubeconfig.certificate_expiry(single, context),
        "plan": Plan(),
    }
    if options["return_content"] and watch:
        result["kubeconfig"] = kubeconfig.render(single)
    if destination is not None:
        result.update(destination.write(single, context))
    return result


def _read_kubeconfig(task: Task, watch: Watch, context: str) -> Config:
    """Read the cluster's kubeconfig, with one context.

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
            "%s is missing (no 'config' in the answer). Check the cluster's status and events."
            % source,
            request_id=reply.request_id,
        )
    try:
        single: Config = kubeconfig.single(
            kubeconfig.parse(text, source), context, task.options["set_current_context"], source
        )
        return single
    except NksError as error:
        error.values.setdefault("request_id", reply.request_id)
        raise


def _known_context(options: Options) -> str | None:
    """The name of the context, if the options alone define it; None for a cluster that is set by
    its UUID.
    """
    name: str | None = options["context"]
    return name or (None if wire.is_uuid(options["cluster"]) else options["cluster"])


def _makes_no_request(options: Options) -> bool:
    """Whether the task makes no request: it removes entries from a file by their name."""
    return options["state"] == "absent" and bool(
        _known_context(options) or _deletes_anything(options)
    )


def _deletes_anything(options: Options) -> bool:
    """Whether the task deletes the file, whatever its content is."""
    return bool(options["force"]) and not options["merge"]


def _absent(task: Task) -> Result:
    options = task.options
    if not options["dest"]:
        raise BadInput(
            "dest", None, "is missing", "set it to the file to remove the kubeconfig from"
        )
    destination = _Destination(task)
    context = _known_context(options)
    destination.require_own(context)
    if context is None and destination.exists and not _deletes_anything(options):
        reply = find_cluster(task.api, options["cluster"])
        if reply is None:
            raise NksError(
                "context: cluster '%s' does not exist any more, so its name is not known; set context to the name of the entries to remove."
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
    return dict(result, **destination.remove(context))


class _Destination:
    """The file of the task: its current content, its desired content, and the change from one to
    the other.

    The file is read before the first request, so that invalid input fails early; again after the
    requests, which may take minutes; and, if there is something to change, a last time under the
    lock that kubectl uses, which is held until the change is written. So the plan always belongs to
    the content that is replaced, and entries that others write in the meantime are kept.

    :raises NksError: the file cannot be read or written, or an option about it is wrong.
    """

    def __init__(self, task: Task) -> None:
        options = task.options
        self.path: str = options["dest"]
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
        self.require_approved = task.require_approved
        modes.owner_ids(self.owner, self.group)
        modes.parse_mode(self.given_mode)
        if self.state == "present":
            paths.check_destination(self.path, self.unsafe_writes)
        self._read_until_valid()

    def _read_until_valid(self) -> None:
        """Read the file; again under the lock if it is no kubeconfig, because kubectl writes its
        files in place and may be at work.
        """
        self._read()
        if self.problem is not None and not self.check_mode:
            with contextlib.ExitStack() as stack:
                with contextlib.suppress(NksError):
                    stack.enter_context(locks.locked(self.path, self.clock))
                self._read()

    def _read(self) -> None:
        """Read the file.

        :ivar mode: its desired mode.
        :ivar exists: whether there is a file.
        :ivar text: its text; None if there is no file, or if it is not a text.
        :ivar config: its entries, {} if there are none; None if it is no kubeconfig.
        :ivar problem: why it is none, as an exception.
        """
        self.text: str | None = None
        self.config: Config | None = None
        self.problem: NksError | None = None
        current = modes.attributes(self.path)
        self.exists = current is not None
        self.mode = modes.parse_mode(self.given_mode, current=current["mode"] if current else None)
        try:
            self.text = files.read(self.path)
            self.config = kubeconfig.parse_existing(self.text, self.path)
            if not self.merges and not self.config and "#" in (self.text or ""):
                # This rejects a file that has nothing but comments.
                self.config = kubeconfig.parse(self.text, self.path)
        except files.NotText as error:
            self.problem = error
        except NksError as error:
            if self.text is None:
                raise
            self.problem = error

    def require_own(
        self,
        context: str | None,
        leads_there: Callable[[str], bool] = lambda server: True,
    ) -> None:
        """Require that the file can be changed without losing entries of other clusters.

        :param context: the name of the cluster's entries, if it is known.
        :param leads_there: see :func:`kubeconfig.foreign_entries`.
        :raises NksError: the file must neither be changed nor deleted.
        """
        if self.merges and self.problem is not None:
            raise self.problem
        if self.merges or self.forces or not self.exists:
            return
        doing = "replace" if self.state == "present" else "delete"
        if self.problem is not None:
            raise NksError(
                "%s Set force=true to %s the file regardless of its content; merge=true requires a kubeconfig."
                % (self.problem.msg, doing),
                **self.problem.values,
            )
        foreign = kubeconfig.foreign_entries(self.config or {}, context, leads_there)
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

    def write(self, single: Config, context: str) -> Result:
        """Bring the kubeconfig and the file's mode and owner to the desired state."""
        url = kubeconfig.server(single, context)

        def plan() -> Step:
            self.require_own(context, lambda server: bool(server == url))
            text: str | None
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

        return self._apply(plan)

    def remove(self, context: str) -> Result:
        """Remove the entries of the context, or (without merge) the file."""

        def plan() -> Step:
            self.require_own(context, lambda server: False)
            if not self.exists:
                return None
            if self.merges:
                return self._writing(
                    kubeconfig_edit.remove(self.text, context, self.path), context, {}
                )
            return Operation(
                "remove", "file/%s" % self.path, {"state": ("present", "absent")}
            ), lambda: files.remove(self.path)

        return self._apply(plan)

    def _writing(
        self, text: str | None, context: str, attributes: Mapping[str, tuple[Any, Any]]
    ) -> Step:
        """What writes another text, other attributes, or both; None for neither."""
        changes: dict[str, tuple[Any, Any]] = {}
        if text != self.text:
            changes["kubeconfig"] = kubeconfig_diff.describe_change(
                self.config, kubeconfig.parse(text, self.path), context
            )
        changes.update(attributes)
        if not changes:
            return None
        if text is None or text == self.text:
            return Operation("write", "file/%s" % self.path, changes), lambda: modes.correct(
                self.path, self.mode, self.owner, self.group
            )
        return (
            Operation("write", "file/%s" % self.path, changes),
            lambda: files.write(
                self.path, text, self.mode, self.owner, self.group, self.unsafe_writes
            ),
        )

    def _apply(self, plan: Callable[[], Step]) -> Result:
        """Read the file, plan, and perform the plan.

        :param plan: returns what to do with the file as it was just read.
        :returns: the part of the result about it.
        :raises NksError: another plan was approved; nothing has been changed.
        """
        self._read_until_valid()
        step = plan()
        self.require_approved(_plan_of(step))
        result: Result = {}
        if not self.check_mode:
            files.clean(self.path)
        if step is not None and not self.check_mode:
            with locks.locked(self.path, self.clock, self.unsafe_writes):
                self._read()
                step = plan()
                self.require_approved(_plan_of(step))
                if step is not None:
                    result = self._perform(*step)
        return dict(result, plan=_plan_of(step))

    def _perform(self, operation: Operation, write: Callable[[], Any]) -> Result:
        """Make the backup and perform an operation; the part of the result about the backup."""
        result: Result = {}
        loses = "kubeconfig" in operation.changes or operation.name == "remove"
        if self.makes_backup and self.exists and loses:
            result["backup_file"] = files.backup(self.path)
        write()
        return result


def _plan_of(step: Step) -> Plan:
    return Plan([step[0]] if step else [])


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
        **arguments.approval(),
    ),
    run,
    offline=_makes_no_request,
)
