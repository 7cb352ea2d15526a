# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster or a node group as it was last seen, and what its status means."""

from __future__ import annotations

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import ApiError, NksError
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire


def busy(state):
    """Whether an operation is under way, whoever started it."""
    return state is not None and str(state["status"]).endswith("_IN_PROGRESS")


def failed(state):
    """Whether the last operation failed."""
    return state is not None and str(state["status"]).endswith("_FAILED")


def ready(state):
    """Whether the last operation ended well."""
    return state is not None and str(state["status"]).endswith("_COMPLETE")


def mark(state):
    """What changes in a resource when the service takes a request up."""
    return (
        None
        if state is None
        else (state["status"], state.get("updated_at"), state.get("status_reason"))
    )


class Watch:
    """A cluster or one of its node groups, and what was last seen of it.

    :param api: see :class:`api.Api`.
    :param cluster: the cluster's UUID.
    :param group: the node group's UUID or name; None for the cluster itself.
    :param name: how messages call it.
    :param last: the state last seen, typed; None where there was nothing.
    """

    def __init__(self, api, cluster, group, name, last=None):
        self.api = api
        self.cluster = cluster
        self.group = group
        self.name = name
        self.last = last

    def read(self):
        """The present state, typed; None for 404."""
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


def find_cluster(api, ref):
    """The reply of Get a Cluster for a name or UUID, None where there is no such cluster.

    The service itself takes a name in this one path, so a look-up costs no request of its own; it answers 409 where
    several clusters bear the name (observed on Magnum). Everything after this goes by UUID.

    :raises NksError: several clusters bear the name.
    """
    try:
        return api.cluster(ref)
    except ApiError as error:
        if error.status == 404:
            return None
        if error.status != 409:
            raise
        same = [item for item in api.clusters() if item.get("name") == ref]
        if not same:
            raise
    raise NksError(
        "cluster: '%s' is the name of %d clusters (%s); give the UUID of one of them."
        % (
            ref,
            len(same),
            ", ".join("%s %s" % (item.get("uuid"), item.get("status")) for item in same),
        )
    )
