# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an operation of the API is called: token, paths, lists of several pages, answers of a
verified form.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Mapping, TypeVar
from urllib.parse import parse_qs, quote

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    BadReply,
    NksError,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

if TYPE_CHECKING:
    # Importing the transport imports requests, which a run of the inventory from the cache does not need.
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.identity import Identity
    from ansible_collections.nhncloud.nks.plugins.module_utils._client.transport import (
        Reply,
        Transport,
    )

#: Without it the server falls back to version 1.1 and rejects all requests about node groups (406).
VERSION_HEADER = {"OpenStack-API-Version": "container-infra latest"}
#: More pages than any account has; a server that never ends its list must not block a task forever.
MAX_PAGES = 1000
#: An object as the service has it.
Item = Dict[str, Any]
Result = TypeVar("Result")
AnyItem = TypeVar("AnyItem", bound=Item)


class Answer(Item):
    """An object of the service, and the id of its request, for errors that are found later."""

    def __init__(self, data: Item, request_id: str) -> None:
        super().__init__(data)
        self.request_id = request_id


class Calls:
    """What all operations have in common, for one account and one region.

    :param region: overrides the region of the options.
    """

    def __init__(self, transport: Transport, identity: Identity, region: str | None = None) -> None:
        self.transport = transport
        self.identity = identity
        self.region = region
        #: Service -> its base URL.
        self._bases: dict[str, str] = {}
        #: UUID -> name of the clusters and node groups that were read: errors show the name.
        self._names: dict[str, str] = {}

    # -- names in messages -------------------------------------------------------------------------------------------

    def _seen(self, item: AnyItem) -> AnyItem:
        """Remember the name of a cluster or node group."""
        uuid, name = item.get("uuid"), item.get("name")
        if isinstance(uuid, str) and isinstance(name, str) and name:
            self._names[uuid] = name
        return item

    def _cluster_name(self, ref: str) -> str:
        """A cluster within a sentence, by its name if that is known."""
        return "cluster %s" % self._names.get(str(ref), ref)

    def _group_name(self, ref: str, group: Any) -> str:
        """A node group, or the control plane, within a sentence."""
        what = (
            "the control plane"
            if group == wire.CONTROL_PLANE
            else "node group %s" % self._names.get(str(group), group)
        )
        return "%s of %s" % (what, self._cluster_name(ref))

    # -- requests ---------------------------------------------------------------------------------------------------

    def _call(
        self,
        service: str,
        method: str,
        path: str,
        doing: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        safe: bool | None = None,
        secrets: Iterable[str] = (),
    ) -> Reply:
        """One request with a valid token; a rejected token is replaced once."""
        if service not in self._bases:
            self._bases[service] = self.identity.endpoint(service, self.region)
        token = self.identity.token()
        for last in (False, True):
            headers = {"X-Auth-Token": token}
            if service == "kubernetes":
                headers.update(VERSION_HEADER)
            if body is None:
                headers["Content-Type"] = "application/json"
            try:
                return self.transport.request(
                    method,
                    self._bases[service] + path,
                    doing,
                    headers=headers,
                    params=params,
                    body=body,
                    safe=safe,
                    secrets=secrets,
                )
            except ApiError as error:
                if error.status != 401 or last:
                    raise
                # With 401 the request was not processed, so that it may be sent again, even a
                # write.
                token = self.identity.renew(token)
        raise AssertionError("unreachable")

    def _object(
        self,
        method: str,
        path: str,
        doing: str,
        body: Any = None,
        secrets: Iterable[str] = (),
    ) -> Answer:
        """A request of the NKS API that is answered with an object."""
        reply = self._call("kubernetes", method, path, doing, body=body, secrets=secrets)
        if not isinstance(reply.data, dict):
            raise _unexpected(doing, "object", reply)
        return Answer(reply.data, reply.request_id)

    def _read_half_created(self, read: Callable[[], Result], about: str) -> Result:
        """Read again if the server answers 400 because of a cluster that is half created or half
        deleted.

        Its node groups are created after it and deleted before it. In between, the server fails to
        show its node_count or master_count, in the list and alone (observed on Magnum). The request
        is not the reason.

        :param about: what the explanation must contain: a reference of the user may be invalid, a
            list has none.
        """
        attempt = 0
        while True:
            try:
                return read()
            except ApiError as error:
                if error.status != 400 or about not in error.detail:
                    raise
                attempt += 1
                if self.transport.pause(attempt):
                    continue
                if about:
                    # It is this cluster, and the request was not rejected: a wait for it continues.
                    raise BadReply(error.msg, **error.values) from None
                raise

    def _list(
        self,
        service: str,
        path: str,
        key: str,
        doing: str,
        params: Mapping[str, Any] | None = None,
        safe: bool | None = None,
    ) -> list[Item]:
        """All items of a list, page by page.

        Only the marker of ``next`` is used: its host and path depend on the gateway of the server.
        """
        items: list[Item] = []
        query = dict(params or {})
        for _page in range(MAX_PAGES):
            reply = self._call(service, "GET", path, doing, params=query, safe=safe)
            page = reply.data.get(key) if isinstance(reply.data, dict) else None
            if not isinstance(page, list) or not all(isinstance(item, dict) for item in page):
                raise _unexpected(doing, "list under '%s'" % key, reply)
            marker = _next_marker(reply.data, key)
            if marker is not None and marker == query.get("marker"):
                # The server ignores the marker and has sent the same page again.
                return items
            items.extend(page)
            if marker is None:
                return items
            query["marker"] = marker
        raise BadReply(
            "Could not %s: the list does not end (request id %s)." % (doing, reply.request_id),
            request_id=reply.request_id,
        )


def _next_marker(data: Item, key: str) -> str | None:
    """The marker of the next page, from Magnum's and Glance's ``next`` or from Nova's
    ``{key}_links``.
    """
    link = data.get("next")
    links = data.get(key + "_links")
    for item in links if isinstance(links, list) else []:
        if isinstance(item, dict) and item.get("rel") == "next":
            link = item.get("href")
    if not isinstance(link, str):
        return None
    # Not urlsplit, which rejects some hosts.
    markers = parse_qs(link.partition("?")[2].partition("#")[0]).get("marker")
    return markers[0] if markers else None


def _unexpected(doing: str, expected: str, reply: Reply) -> BadReply:
    """The error for an answer without what the API guide describes, such as "object"."""
    return BadReply(
        "Could not %s: the answer has no %s, so it is not what the API guide describes (HTTP %d%s)."
        % (
            doing,
            expected,
            reply.status,
            ", request id " + reply.request_id if reply.request_id else "",
        ),
        status_code=reply.status,
        request_id=reply.request_id,
    )


def path_part(text: Any) -> str:
    """One part of a path, from a reference that may contain anything a user can type.

    :raises NksError: the part would change the path: DELETE …/nodegroups/.. is not about a node
        group.
    """
    if str(text) in ("", ".", ".."):
        raise NksError("'%s' is neither a name nor a UUID." % text)
    if wire.is_uuid(text):
        # The server accepts any spelling of a UUID but compares it exactly, so that another one is
        # 404 (observed on Magnum).
        return str(uuid.UUID(str(text)))
    return quote(str(text), safe="", errors="replace")


def cluster_path(ref: Any) -> str:
    """The path of a cluster."""
    if ref == "detail":
        # GET …/clusters/detail is a list (Magnum).
        raise NksError("'detail' cannot be used as the name of a cluster; specify its UUID.")
    return "/clusters/" + path_part(ref)


def group_path(ref: Any, group: Any) -> str:
    """The path of a node group."""
    return "%s/nodegroups/%s" % (cluster_path(ref), path_part(group))
