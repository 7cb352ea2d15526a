# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation of the NKS API guide, once each, and the look-ups of the other services.

Wire form in and out: nothing is interpreted here. Each docstring names the operation of the guide ("NKS API v2 guide").
"""

from __future__ import annotations

import uuid
from urllib.parse import parse_qs, quote

from ansible_collections.nhncloud.nks.plugins.module_utils._common.errors import (
    ApiError,
    BadReply,
    NksError,
)
from ansible_collections.nhncloud.nks.plugins.module_utils._model import wire

#: Without it the server falls back to version 1.1 and refuses everything about node groups (406).
VERSION_HEADER = {"OpenStack-API-Version": "container-infra latest"}
#: No account has so many pages; a server that never ends its list must not hold us for ever.
MAX_PAGES = 1000


class Answer(dict):
    """An object of the service's, and the id of the request that it came for: what is wrong with it may show only later."""

    def __init__(self, data, request_id):
        super().__init__(data)
        self.request_id = request_id


class Api:
    """The operations, for one account and one region.

    :param transport: see :class:`transport.Transport`.
    :param identity: see :class:`identity.Identity`.
    :param region: overrides the region of the options.
    """

    def __init__(self, transport, identity, region=None):
        self.transport = transport
        self.identity = identity
        self.region = region
        self._bases = {}
        #: UUID -> name of the clusters and node groups that were seen: a refusal is told with the name.
        self._called = {}

    # -- clusters ----------------------------------------------------------------------------------------------------

    def clusters(self):
        """List Clusters. Reduced objects: no addresses, no dates."""
        return [
            self._seen(item)
            for item in self._half_made(
                lambda: self._list("kubernetes", "/clusters", "clusters", "list the clusters"), ""
            )
        ]

    def cluster(self, ref):
        """Get a Cluster, by UUID or name."""
        return self._seen(
            self._half_made(
                lambda: self._object("GET", _cluster(ref), "read " + self._cluster_name(ref)),
                "_count",
            )
        )

    def create_cluster(self, body, secrets=()):
        """Create a Cluster; answers its UUID."""
        reply = self._object(
            "POST", "/clusters", "create cluster %s" % body.get("name"), body, secrets=secrets
        )
        self._seen(dict(reply, name=body.get("name")))
        return reply

    def delete_cluster(self, ref):
        """Delete a Cluster."""
        self._call("kubernetes", "DELETE", _cluster(ref), "delete " + self._cluster_name(ref))

    def events(self, uuid, safe=None):
        """View Task History List. The path takes a UUID only.

        :param safe: False where it is not worth a second attempt.
        """
        return self._list(
            "kubernetes",
            _cluster(uuid) + "/events",
            "events",
            "list the events of " + self._cluster_name(uuid),
            safe=safe,
        )

    def event(self, uuid, event_uuid):
        """List Task History (of one task)."""
        return self._object(
            "GET",
            "%s/events/%s" % (_cluster(uuid), _part(event_uuid)),
            "read event %s of %s" % (event_uuid, self._cluster_name(uuid)),
        )

    def resize(self, ref, nodegroup, node_count, nodes_to_remove=None):
        """Resize a node group; answers the cluster's UUID."""
        body = {"nodegroup": nodegroup, "node_count": node_count}
        if nodes_to_remove:
            body["nodes_to_remove"] = nodes_to_remove
        return self._object(
            "POST",
            _cluster(ref) + "/actions/resize",
            "resize " + self._group_name(ref, nodegroup),
            body,
        )

    def kubeconfig(self, ref):
        """Get kubeconfig of a Cluster; the text is in ``config``."""
        return self._object(
            "GET", _cluster(ref) + "/config", "read the kubeconfig of " + self._cluster_name(ref)
        )

    def update_cni(
        self,
        ref,
        cni,
        pod_cidr,
        pod_subnet=None,
        num_buffer_nodes=None,
        num_max_unavailable_nodes=None,
    ):
        """Change Cluster CNI."""
        body = _given(
            cni=cni,
            pod_cidr=pod_cidr,
            pod_subnet=None if pod_subnet is None else str(pod_subnet),
            num_buffer_nodes=num_buffer_nodes,
            num_max_unavailable_nodes=num_max_unavailable_nodes,
        )
        return self._object(
            "POST",
            _cluster(ref) + "/actions/cni_update",
            "change the CNI of " + self._cluster_name(ref),
            body,
        )

    def ipacl(self, ref):
        """Get Cluster API Endpoint IP Access Control."""
        return self._object(
            "GET",
            _cluster(ref) + "/api_ep_ipacl",
            "read the IP access control of " + self._cluster_name(ref),
        )

    def set_ipacl(self, ref, enable, action=None, targets=None):
        """Enforce IP Access Control to Cluster API Endpoints; replaces the whole list.

        :param enable: "true" or "false", in words.
        :param targets: list of ``{cidr_address, description}``.
        """
        body = _given(enable=enable, action=action, ipacl_targets=targets)
        return self._object(
            "POST",
            _cluster(ref) + "/api_ep_ipacl",
            "set the IP access control of " + self._cluster_name(ref),
            body,
        )

    def renew_certificate(self, ref, term_of_validity):
        """Renew Cluster Certificate.

        :param term_of_validity: years, 1 to 5.
        """
        body = {"term_of_validity": term_of_validity}
        return self._object(
            "PATCH",
            "/certificates/" + _part(ref),
            "renew the certificate of " + self._cluster_name(ref),
            body,
        )

    def update_service_gateways(self, ref, ncr_sgw, obs_sgw):
        """Change Service Gateway; the service wants both."""
        body = {"ncr_sgw": ncr_sgw, "obs_sgw": obs_sgw}
        return self._object(
            "POST",
            _cluster(ref) + "/actions/update_sgw",
            "change the service gateways of " + self._cluster_name(ref),
            body,
        )

    # -- node groups -------------------------------------------------------------------------------------------------

    def nodegroups(self, ref):
        """List Node Groups. Reduced objects: no labels, no addresses; without default-master."""
        doing = "list the node groups of " + self._cluster_name(ref)
        return [
            self._seen(item)
            for item in self._list("kubernetes", _cluster(ref) + "/nodegroups", "nodegroups", doing)
        ]

    def nodegroup(self, ref, group):
        """Get a Node Group."""
        return self._seen(
            self._object("GET", _group(ref, group), "read " + self._group_name(ref, group))
        )

    def create_nodegroup(self, ref, body, secrets=()):
        """Create a Node Group; answers the whole object."""
        doing = "create " + self._group_name(ref, body.get("name"))
        return self._seen(
            self._object("POST", _cluster(ref) + "/nodegroups", doing, body, secrets=secrets)
        )

    def delete_nodegroup(self, ref, group):
        """Delete a Node Group."""
        self._call(
            "kubernetes", "DELETE", _group(ref, group), "delete " + self._group_name(ref, group)
        )

    def stop_nodes(self, ref, group, uuids):
        """Stop a Node Group, which stops the given nodes of it."""
        return self._object(
            "POST",
            _group(ref, group) + "/stop_node",
            "stop nodes of " + self._group_name(ref, group),
            {"node_list": ":".join(uuids)},
        )

    def start_nodes(self, ref, group, uuids):
        """Start a Node."""
        return self._object(
            "POST",
            _group(ref, group) + "/start_node",
            "start nodes of " + self._group_name(ref, group),
            {"node_list": ":".join(uuids)},
        )

    def autoscale(self, ref, group):
        """View Autoscaler Configuration of a Node Group."""
        return self._object(
            "GET",
            _group(ref, group) + "/autoscale",
            "read the autoscaler of " + self._group_name(ref, group),
        )

    def set_autoscale(self, ref, group, settings):
        """Change Autoscaler Configuration of a Node Group.

        :param settings: the ``ca_*`` fields; ``ca_enable`` is required by the service.
        """
        return self._object(
            "POST",
            _group(ref, group) + "/autoscale",
            "set the autoscaler of " + self._group_name(ref, group),
            settings,
        )

    def upgrade(self, ref, group, version, num_buffer_nodes=None, num_max_unavailable_nodes=None):
        """Upgrade a Cluster: one node group of it, or the control plane as ``default-master``."""
        body = _given(
            version=version,
            num_buffer_nodes=num_buffer_nodes,
            num_max_unavailable_nodes=num_max_unavailable_nodes,
        )
        return self._object(
            "POST",
            _group(ref, group) + "/upgrade",
            "upgrade %s to %s" % (self._group_name(ref, group), version),
            body,
        )

    def set_user_script(self, ref, group, contents):
        """Change User Script."""
        return self._object(
            "POST",
            _group(ref, group) + "/userscript",
            "change the user script of " + self._group_name(ref, group),
            {"contents": contents},
            secrets=[contents],
        )

    def set_flavor(
        self, ref, group, flavor_id, num_buffer_nodes=None, num_max_unavailable_nodes=None
    ):
        """Change Instance Flavor. The body is an object with ``type``, never a JSON Patch."""
        body = _given(
            type="flavor_id",
            flavor_id=flavor_id,
            num_buffer_nodes=num_buffer_nodes,
            num_max_unavailable_nodes=num_max_unavailable_nodes,
        )
        return self._object(
            "PATCH",
            _group(ref, group),
            "change the flavor of " + self._group_name(ref, group),
            body,
        )

    # -- other -------------------------------------------------------------------------------------------------------

    def supports(self):
        """See the Supported Kubernetes Versions."""
        return self._object("GET", "/supports", "read the supported Kubernetes versions")

    # -- look-ups in the other services (NHN Cloud API guides of VPC, Instance, Image, Block Storage, …) ----------------

    def vpcs(self):
        """VPC guide, List VPCs. A VPC's id is the network's id."""
        return self._list("network", "/vpcs", "vpcs", "list the networks")

    def external_networks(self):
        """NKS API guide, UUID of the VPC Network Attached to the Internet Gateway; with their subnets' ids."""
        return self._list(
            "network",
            "/networks",
            "networks",
            "list the external networks",
            {"router:external": "True"},
        )

    def subnets(self, network_id=None):
        """Subnets as the network service lists them, also those of the external network."""
        return self._list(
            "network", "/subnets", "subnets", "list the subnets", _given(network_id=network_id)
        )

    def vpc_subnets(self, vpc_id=None):
        """VPC guide, List Subnets; with CIDR and routing table."""
        return self._list(
            "network", "/vpcsubnets", "vpcsubnets", "list the subnets", _given(vpc_id=vpc_id)
        )

    def security_groups(self):
        """Security Groups guide, List Security Groups."""
        return self._list(
            "network", "/security-groups", "security_groups", "list the security groups"
        )

    def service_gateways(self):
        """Service Gateway guide, List Service Gateways."""
        return self._list(
            "network", "/gateways/servicegateways", "servicegateways", "list the service gateways"
        )

    def service_endpoints(self):
        """Service Gateway guide, List Service Endpoints; documented with the slash at its end."""
        return self._list(
            "network",
            "/gateways/serviceendpoints/",
            "serviceendpoints",
            "list the service endpoints",
        )

    def availability_zones(self):
        """Instance guide, List Availability Zones."""
        return self._list(
            "compute",
            "/os-availability-zone",
            "availabilityZoneInfo",
            "list the availability zones",
        )

    def keypairs(self):
        """Instance guide, List Key Pairs; those of the token's user."""
        return self._list("compute", "/os-keypairs", "keypairs", "list the key pairs")

    def flavors(self):
        """Instance guide, List Flavors with Details."""
        return self._list("compute", "/flavors/detail", "flavors", "list the flavors")

    def servers(self):
        """Instance guide, List Instances with Details; in pages of 1,000, the service's maximum."""
        return self._list(
            "compute", "/servers/detail", "servers", "list the instances", {"limit": 1000}
        )

    def images(self, filters):
        """Image guide, List Images."""
        return self._list("image", "/images", "images", "list the images", filters)

    def volume_types(self):
        """Block Storage guide, List Volume Types."""
        return self._list("volume", "/types", "volume_types", "list the volume types")

    # -- what messages call things -----------------------------------------------------------------------------------

    def _seen(self, item):
        """Note what a cluster or node group is called."""
        uuid, name = item.get("uuid"), item.get("name")
        if isinstance(uuid, str) and isinstance(name, str) and name:
            self._called[uuid] = name
        return item

    def _cluster_name(self, ref):
        """A cluster within a sentence, by its name where that is known."""
        return "cluster %s" % self._called.get(str(ref), ref)

    def _group_name(self, ref, group):
        """A node group, or the control plane, within a sentence."""
        what = (
            "the control plane"
            if group == wire.CONTROL_PLANE
            else "node group %s" % self._called.get(str(group), group)
        )
        return "%s of %s" % (what, self._cluster_name(ref))

    # -- how a call is made ------------------------------------------------------------------------------------------

    def _call(self, service, method, path, doing, body=None, params=None, safe=None, secrets=()):
        """One request with a valid token; a token that was refused is replaced once."""
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
                # 401 means that the request was not looked at, so it may be sent again, a write too.
                token = self.identity.renew(token)
        raise AssertionError("unreachable")

    def _object(self, method, path, doing, body=None, secrets=()):
        reply = self._call("kubernetes", method, path, doing, body=body, secrets=secrets)
        if not isinstance(reply.data, dict):
            raise _unexpected(doing, "an object", reply)
        return Answer(reply.data, reply.request_id)

    def _half_made(self, read, about):
        """Read again where the server answers 400 about a cluster that it has half made or half deleted.

        Its node groups come after it and go before it, and in between the server refuses to show its node_count or
        master_count, in the list and by itself (observed on Magnum). Nothing of ours could be bad about that.

        :param about: what the explanation must hold: a reference of the user's may be bad, a list has none.
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
                    # It is this one, and that is no refusal: a wait for it goes on.
                    raise BadReply(error.msg, **error.values) from None
                raise

    def _list(self, service, path, key, doing, params=None, safe=None):
        """All items of a list, page by page.

        Only the marker is taken out of ``next``: its host and path are whatever the server's gateway made of them.
        """
        items, params = [], dict(params or {})
        for _page in range(MAX_PAGES):
            reply = self._call(service, "GET", path, doing, params=params, safe=safe)
            page = reply.data.get(key) if isinstance(reply.data, dict) else None
            if not isinstance(page, list) or not all(isinstance(item, dict) for item in page):
                raise _unexpected(doing, "a list under '%s'" % key, reply)
            marker = _next_marker(reply.data, key)
            if marker is not None and marker == params.get("marker"):
                # The server does not go by the marker and has sent the same page again.
                return items
            items.extend(page)
            if marker is None:
                return items
            params["marker"] = marker
        raise BadReply(
            "Could not %s: the list does not end (request id %s)." % (doing, reply.request_id),
            request_id=reply.request_id,
        )


def _next_marker(data, key):
    """The marker of the next page, from Magnum's and Glance's ``next`` or from Nova's ``{key}_links``."""
    link = data.get("next")
    links = data.get(key + "_links")
    for item in links if isinstance(links, list) else []:
        if isinstance(item, dict) and item.get("rel") == "next":
            link = item.get("href")
    if not isinstance(link, str):
        return None
    # Not urlsplit, which refuses a host that it does not like.
    return (parse_qs(link.partition("?")[2].partition("#")[0]).get("marker") or [None])[0]


def _unexpected(doing, wanted, reply):
    return BadReply(
        "Could not %s: the answer holds no %s, so it is not what the API guide describes (HTTP %d%s)."
        % (
            doing,
            wanted[wanted.index(" ") + 1 :],
            reply.status,
            ", request id " + reply.request_id if reply.request_id else "",
        ),
        status_code=reply.status,
        request_id=reply.request_id,
    )


def _part(text):
    """One part of a path; a reference may hold anything that a user can type.

    :raises NksError: the part would make the path another one: DELETE …/nodegroups/.. is not about a node group.
    """
    if str(text) in ("", ".", ".."):
        raise NksError("'%s' is neither a name nor a UUID." % text)
    if wire.is_uuid(text):
        # The server takes any spelling for a UUID but looks for it letter by letter, so another one is 404 (observed on Magnum).
        return str(uuid.UUID(str(text)))
    return quote(str(text), safe="", errors="replace")


def _cluster(ref):
    if ref == "detail":
        # GET …/clusters/detail is a list (Magnum).
        raise NksError("'detail' cannot be used as a cluster's name; give its UUID.")
    return "/clusters/" + _part(ref)


def _group(ref, group):
    return "%s/nodegroups/%s" % (_cluster(ref), _part(group))


def _given(**values):
    """Only what is there: 0 and "" are values, None is not."""
    return {key: value for key, value in values.items() if value is not None}
