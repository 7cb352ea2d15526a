# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every operation of the NKS API guide, once each, and the lists of the other services.

Wire form in and out: nothing is interpreted here. Each docstring names the operation of the guide
("NKS API v2 guide").
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.nhncloud.nks.plugins.module_utils._client.calls import (
    Answer,
    Calls,
    Item,
    cluster_path,
    group_path,
    path_part,
)


class Api(Calls):
    """The operations, for one account and one region.

    ``ref`` is the UUID or the name of a cluster, ``group`` that of a node group.
    """

    # -- clusters ----------------------------------------------------------------------------------------------------

    def clusters(self) -> list[Item]:
        """List Clusters. Reduced objects: no addresses, no dates."""
        return [
            self._seen(item)
            for item in self._read_half_created(
                lambda: self._list("kubernetes", "/clusters", "clusters", "list the clusters"), ""
            )
        ]

    def cluster(self, ref: str) -> Answer:
        """Get a Cluster, by UUID or name."""
        return self._seen(
            self._read_half_created(
                lambda: self._object("GET", cluster_path(ref), "read " + self._cluster_name(ref)),
                "_count",
            )
        )

    def create_cluster(self, body: Item, secrets: Iterable[str] = ()) -> Answer:
        """Create a Cluster; returns its UUID."""
        reply = self._object(
            "POST", "/clusters", "create cluster %s" % body.get("name"), body, secrets=secrets
        )
        self._seen(dict(reply, name=body.get("name")))
        return reply

    def delete_cluster(self, ref: str) -> None:
        """Delete a Cluster."""
        self._call("kubernetes", "DELETE", cluster_path(ref), "delete " + self._cluster_name(ref))

    def events(self, uuid: str, safe: bool | None = None) -> list[Item]:
        """View Task History List. The path takes a UUID only.

        :param safe: False to make a single attempt.
        """
        return self._list(
            "kubernetes",
            cluster_path(uuid) + "/events",
            "events",
            "list the events of " + self._cluster_name(uuid),
            safe=safe,
        )

    def event(self, uuid: str, event_uuid: str) -> Answer:
        """List Task History (of one task)."""
        return self._object(
            "GET",
            "%s/events/%s" % (cluster_path(uuid), path_part(event_uuid)),
            "read event %s of %s" % (event_uuid, self._cluster_name(uuid)),
        )

    def resize(
        self, ref: str, nodegroup: str, node_count: int, nodes_to_remove: list[str] | None = None
    ) -> Answer:
        """Resize a node group; returns the UUID of the cluster."""
        body = {"nodegroup": nodegroup, "node_count": node_count}
        if nodes_to_remove:
            body["nodes_to_remove"] = nodes_to_remove
        return self._object(
            "POST",
            cluster_path(ref) + "/actions/resize",
            "resize " + self._group_name(ref, nodegroup),
            body,
        )

    def kubeconfig(self, ref: str) -> Answer:
        """Get kubeconfig of a Cluster; the text is in ``config``."""
        return self._object(
            "GET",
            cluster_path(ref) + "/config",
            "read the kubeconfig of " + self._cluster_name(ref),
        )

    def update_cni(
        self,
        ref: str,
        cni: str,
        pod_cidr: str,
        pod_subnet: Any = None,
        num_buffer_nodes: int | None = None,
        num_max_unavailable_nodes: int | None = None,
    ) -> Answer:
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
            cluster_path(ref) + "/actions/cni_update",
            "change the CNI of " + self._cluster_name(ref),
            body,
        )

    def ipacl(self, ref: str) -> Answer:
        """Get Cluster API Endpoint IP Access Control."""
        return self._object(
            "GET",
            cluster_path(ref) + "/api_ep_ipacl",
            "read the IP access control of " + self._cluster_name(ref),
        )

    def set_ipacl(
        self, ref: str, enable: str, action: str | None = None, targets: list[Item] | None = None
    ) -> Answer:
        """Enforce IP Access Control to Cluster API Endpoints; replaces the whole list.

        :param enable: "true" or "false", as text.
        :param targets: list of ``{cidr_address, description}``.
        """
        body = _given(enable=enable, action=action, ipacl_targets=targets)
        return self._object(
            "POST",
            cluster_path(ref) + "/api_ep_ipacl",
            "set the IP access control of " + self._cluster_name(ref),
            body,
        )

    def renew_certificate(self, ref: str, term_of_validity: int) -> Answer:
        """Renew Cluster Certificate.

        :param term_of_validity: years, 1 to 5.
        """
        body = {"term_of_validity": term_of_validity}
        return self._object(
            "PATCH",
            "/certificates/" + path_part(ref),
            "renew the certificate of " + self._cluster_name(ref),
            body,
        )

    def update_service_gateways(self, ref: str, ncr_sgw: str, obs_sgw: str) -> Answer:
        """Change Service Gateway; the service requires both."""
        body = {"ncr_sgw": ncr_sgw, "obs_sgw": obs_sgw}
        return self._object(
            "POST",
            cluster_path(ref) + "/actions/update_sgw",
            "change the service gateways of " + self._cluster_name(ref),
            body,
        )

    # -- node groups -------------------------------------------------------------------------------------------------

    def nodegroups(self, ref: str) -> list[Item]:
        """List Node Groups. Reduced objects: no labels, no addresses; without default-master."""
        doing = "list the node groups of " + self._cluster_name(ref)
        return [
            self._seen(item)
            for item in self._list(
                "kubernetes", cluster_path(ref) + "/nodegroups", "nodegroups", doing
            )
        ]

    def nodegroup(self, ref: str, group: str) -> Answer:
        """Get a Node Group."""
        return self._seen(
            self._object("GET", group_path(ref, group), "read " + self._group_name(ref, group))
        )

    def create_nodegroup(self, ref: str, body: Item, secrets: Iterable[str] = ()) -> Answer:
        """Create a Node Group; returns the whole object."""
        doing = "create " + self._group_name(ref, body.get("name"))
        return self._seen(
            self._object("POST", cluster_path(ref) + "/nodegroups", doing, body, secrets=secrets)
        )

    def delete_nodegroup(self, ref: str, group: str) -> None:
        """Delete a Node Group."""
        self._call(
            "kubernetes", "DELETE", group_path(ref, group), "delete " + self._group_name(ref, group)
        )

    def stop_nodes(self, ref: str, group: str, uuids: Iterable[str]) -> Answer:
        """Stop a Node Group, which stops only these nodes of it."""
        return self._object(
            "POST",
            group_path(ref, group) + "/stop_node",
            "stop nodes of " + self._group_name(ref, group),
            {"node_list": ":".join(uuids)},
        )

    def start_nodes(self, ref: str, group: str, uuids: Iterable[str]) -> Answer:
        """Start a Node."""
        return self._object(
            "POST",
            group_path(ref, group) + "/start_node",
            "start nodes of " + self._group_name(ref, group),
            {"node_list": ":".join(uuids)},
        )

    def autoscale(self, ref: str, group: str) -> Answer:
        """View Autoscaler Configuration of a Node Group."""
        return self._object(
            "GET",
            group_path(ref, group) + "/autoscale",
            "read the autoscaler of " + self._group_name(ref, group),
        )

    def set_autoscale(self, ref: str, group: str, settings: Item) -> Answer:
        """Change Autoscaler Configuration of a Node Group.

        :param settings: the ``ca_*`` fields; ``ca_enable`` is required by the service.
        """
        return self._object(
            "POST",
            group_path(ref, group) + "/autoscale",
            "set the autoscaler of " + self._group_name(ref, group),
            settings,
        )

    def upgrade(
        self,
        ref: str,
        group: str,
        version: str,
        num_buffer_nodes: int | None = None,
        num_max_unavailable_nodes: int | None = None,
    ) -> Answer:
        """Upgrade a Cluster: one node group of it, or the control plane as ``default-master``."""
        body = _given(
            version=version,
            num_buffer_nodes=num_buffer_nodes,
            num_max_unavailable_nodes=num_max_unavailable_nodes,
        )
        return self._object(
            "POST",
            group_path(ref, group) + "/upgrade",
            "upgrade %s to %s" % (self._group_name(ref, group), version),
            body,
        )

    def set_user_script(self, ref: str, group: str, contents: str) -> Answer:
        """Change User Script."""
        return self._object(
            "POST",
            group_path(ref, group) + "/userscript",
            "change the user script of " + self._group_name(ref, group),
            {"contents": contents},
            secrets=[contents],
        )

    def set_flavor(
        self,
        ref: str,
        group: str,
        flavor_id: str,
        num_buffer_nodes: int | None = None,
        num_max_unavailable_nodes: int | None = None,
    ) -> Answer:
        """Change Instance Flavor. The body is an object with ``type``, never a JSON Patch."""
        body = _given(
            type="flavor_id",
            flavor_id=flavor_id,
            num_buffer_nodes=num_buffer_nodes,
            num_max_unavailable_nodes=num_max_unavailable_nodes,
        )
        return self._object(
            "PATCH",
            group_path(ref, group),
            "change the flavor of " + self._group_name(ref, group),
            body,
        )

    # -- other -------------------------------------------------------------------------------------------------------

    def supports(self) -> Answer:
        """See the Supported Kubernetes Versions."""
        return self._object("GET", "/supports", "read the supported Kubernetes versions")

    # -- lists of the other services (NHN Cloud API guides of VPC, Instance, Image, Block Storage, …) -------------------

    def vpcs(self) -> list[Item]:
        """VPC guide, List VPCs. A VPC's id is the network's id."""
        return self._list("network", "/vpcs", "vpcs", "list the networks")

    def external_networks(self) -> list[Item]:
        """NKS API guide, UUID of the VPC Network Attached to the Internet Gateway; with their
        subnets' ids.
        """
        return self._list(
            "network",
            "/networks",
            "networks",
            "list the external networks",
            {"router:external": "True"},
        )

    def subnets(self, network_id: str | None = None) -> list[Item]:
        """Subnets as the network service lists them, including those of the external network."""
        return self._list(
            "network", "/subnets", "subnets", "list the subnets", _given(network_id=network_id)
        )

    def vpc_subnets(self, vpc_id: str | None = None) -> list[Item]:
        """VPC guide, List Subnets; with CIDR and routing table."""
        return self._list(
            "network", "/vpcsubnets", "vpcsubnets", "list the subnets", _given(vpc_id=vpc_id)
        )

    def security_groups(self) -> list[Item]:
        """Security Groups guide, List Security Groups."""
        return self._list(
            "network", "/security-groups", "security_groups", "list the security groups"
        )

    def service_gateways(self) -> list[Item]:
        """Service Gateway guide, List Service Gateways."""
        return self._list(
            "network", "/gateways/servicegateways", "servicegateways", "list the service gateways"
        )

    def service_endpoints(self) -> list[Item]:
        """Service Gateway guide, List Service Endpoints; documented with a slash at its end."""
        return self._list(
            "network",
            "/gateways/serviceendpoints/",
            "serviceendpoints",
            "list the service endpoints",
        )

    def availability_zones(self) -> list[Item]:
        """Instance guide, List Availability Zones."""
        return self._list(
            "compute",
            "/os-availability-zone",
            "availabilityZoneInfo",
            "list the availability zones",
        )

    def keypairs(self) -> list[Item]:
        """Instance guide, List Key Pairs; those of the user of the token."""
        return self._list("compute", "/os-keypairs", "keypairs", "list the key pairs")

    def flavors(self) -> list[Item]:
        """Instance guide, List Flavors with Details."""
        return self._list("compute", "/flavors/detail", "flavors", "list the flavors")

    def servers(self) -> list[Item]:
        """Instance guide, List Instances with Details; in pages of 1,000, the service's maximum."""
        return self._list(
            "compute", "/servers/detail", "servers", "list the instances", {"limit": 1000}
        )

    def images(self, filters: Mapping[str, Any]) -> list[Item]:
        """Image guide, List Images."""
        return self._list("image", "/images", "images", "list the images", filters)

    def volume_types(self) -> list[Item]:
        """Block Storage guide, List Volume Types."""
        return self._list("volume", "/types", "volume_types", "list the volume types")


def _given(**values: Any) -> Item:
    """The arguments that have a value: 0 and "" are values, None is not."""
    return {key: value for key, value in values.items() if value is not None}
