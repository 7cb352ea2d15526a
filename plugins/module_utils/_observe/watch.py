# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster or a node group as it was last seen, and what its status means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

if TYPE_CHECKING:
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.api import Api
    from ansible_collections.nhncloud.nks.plugins.module_utils._model.documents import State


def busy(state: Mapping[str, Any] | None) -> bool:
    """Whether an operation is in progress, regardless of who started it."""
    return state is not None and str(state["status"]).endswith("_IN_PROGRESS")


def failed(state: Mapping[str, Any] | None) -> bool:
    """Whether the last operation failed."""
    return state is not None and str(state["status"]).endswith("_FAILED")


def ready(state: Mapping[str, Any] | None) -> bool:
    """Whether the last operation succeeded."""
    return state is not None and str(state["status"]).endswith("_COMPLETE")


def mark(state: Mapping[str, Any] | None) -> tuple[Any, ...] | None:
    """What changes in a resource when the service starts to work on a request."""
    return (
        None
        if state is None
        else (state["status"], state.get("updated_at"), state.get("status_reason"))
    )


class Watch:
    """A cluster or one of its node groups, and the state in which it was last seen.

    :param api: see :class:`api.Api`.
    :param cluster: the cluster's UUID.
    :param group: the node group's UUID or name; None for the cluster itself.
    :param name: its name in messages.
    :param last: the state last seen, typed; None if it was not read yet or did not exist.
    """

    def __init__(
        self, api: Api, cluster: str, group: str | None, name: str, last: State | None = None
    ) -> None:
        self.api = api
        self.cluster = cluster
        self.group = group
        self.name = name
        self.last = last

    @property
    def state(self) -> State:
        """The state last seen, of a resource that existed then.

        :raises LookupError: it was not read yet, or did not exist.
        """
        if self.last is None:
            raise LookupError("%s has not been seen." % self.name)
        return self.last

    def read(self) -> State | None:
        """Read the current state, typed; None for 404."""
        try:
            reply = (
                self.api.nodegroup(self.cluster, self.group)
                if self.group
                else self.api.cluster(self.cluster)
            )
        except ApiError as error:
            if error.status != 404:
                raise
            self.last = None
        else:
            self.last = wire.identified(reply, "read %s" % self.name)
        return self.last


def find_cluster(api: Api, ref: str) -> dict[str, Any] | None:
    """The reply of Get a Cluster for a name or UUID; None if there is no such cluster.

    The service accepts a name in this one path, so a look-up needs no additional request; it
    answers 409 if several clusters have the name (observed on Magnum). All later requests use the
    UUID.

    :raises NksError: several clusters have the name.
    """
    try:
        found: dict[str, Any] = api.cluster(ref)
        return found
    except ApiError as error:
        if error.status == 404:
            return None
        if error.status != 409:
            raise
        same = [item for item in api.clusters() if item.get("name") == ref]
        if not same:
            raise
    raise NksError(
        "cluster: '%s' is the name of %d clusters (%s); specify the UUID of one of them."
        % (
            ref,
            len(same),
            ", ".join("%s %s" % (item.get("uuid"), item.get("status")) for item in same),
        )
    )
