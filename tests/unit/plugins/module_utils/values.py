# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of test values: one entry for each option of clusters and node groups, from which all tests take theirs.

Everything here is written out by hand from the API guide, and nothing is computed from the code under test: not the paths, not the
forms on the wire, not the types.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

A, B, C = ("%s0000000-0000-4000-8000-000000000001" % digit for digit in "abc")
NETWORK, SUBNET, EXTERNAL = ("%s0000000-0000-4000-8000-000000000002" % digit for digit in "123")
SUBNETS = ["40000000-0000-4000-8000-%012d" % number for number in range(3)]


class Rejected(NamedTuple):
    """A value that the collection rejects before any request, and the service rejects too."""

    value: Any
    #: The same in the body of a creation.
    wire: Any
    #: A part of the service's message; "" for the name of the field or label.
    word: str = ""


class Values(NamedTuple):
    """What the tests of one option need."""

    value: Any
    #: Where the creation of a cluster has it.
    path: str
    #: The value in the body of a creation.
    wire: Any
    #: Another value, if the option cannot be changed after creation.
    other: Any = None
    #: Where a node group has it; "" if only clusters do.
    group: str = ""
    #: The value in another spelling.
    same: Any = None
    #: Values for tasks against the simulator. The first one is that of a cluster which is created without the option or, if the
    #: option is required, that of :data:`support.CLUSTER`.
    tried: Sequence[Any] = ()
    rejected: Rejected | None = None
    type: str = "str"
    aliases: Sequence[str] = ()


VALUES = {
    # Only clusters have these.
    "keypair": Values("demo-key", "keypair", "demo-key", other="second-key", tried=["demo-key", "second-key"]),
    "network": Values(NETWORK, "fixed_network", NETWORK, other=C, aliases=["fixed_network"]),
    "subnet": Values(SUBNET, "fixed_subnet", SUBNET, other=C, aliases=["fixed_subnet"]),
    "external_network": Values(EXTERNAL, "labels.external_network_id", EXTERNAL, other=C, aliases=["external_network_id"]),
    "external_subnets": Values(
        SUBNETS,
        "labels.external_subnet_id_list",
        ":".join(SUBNETS),
        other=SUBNETS[:2],
        same=SUBNETS[::-1],
        tried=[
            ["public_subnet_%d" % number for number in range(1, 6)],
            ["public_subnet_3", "public_subnet_1"],
            ["public_subnet_1", "public_subnet_3"],
        ],
        type="list",
        aliases=["external_subnet_id_list"],
    ),
    "public_api_endpoint": Values(
        True,
        "labels.master_lb_floating_ip_enabled",
        "True",
        other=False,
        tried=[False, True],
        rejected=Rejected("perhaps", "perhaps", "master_lb"),
        type="bool",
        aliases=["master_lb_floating_ip_enabled"],
    ),
    "strict_sg_rules": Values(False, "labels.strict_sg_rules", "False", other=True, tried=[False, True], rejected=Rejected("maybe", "maybe"), type="bool"),
    "service_cluster_ip_range": Values(
        "10.254.0.0/16",
        "labels.service_cluster_ip_range",
        "10.254.0.0/16",
        other="10.200.0.0/20",
        tried=["10.254.0.0/16", "10.200.0.0/20"],
        rejected=Rejected("169.254.0.0/24", "169.254.0.0/24", "overlaps"),
    ),
    "pods_network_cidr": Values(
        "10.100.0.0/16",
        "labels.pods_network_cidr",
        "10.100.0.0/16",
        other="10.110.0.0/16",
        tried=["10.100.0.0/16", "10.110.0.0/16"],
        rejected=Rejected("10.100.0.0/25", "10.100.0.0/25", "prefix"),
    ),
    "pods_network_subnet": Values(24, "labels.pods_network_subnet", "24", other=25, tried=[24, 25], rejected=Rejected(19, "19"), type="int"),
    "ncr_sgw": Values(A, "labels.ncr_sgw", A),
    "obs_sgw": Values(B, "labels.obs_sgw", B),
    "cni": Values("calico", "labels.cni_driver", "calico", rejected=Rejected("flannel", "flannel", "CNI"), aliases=["cni_driver"]),
    # Clusters and node groups have these; of a cluster they are about its first node group.
    "flavor": Values(A, "flavor_id", A, group="flavor_id", same=A.upper(), aliases=["flavor_id"]),
    "image": Values(
        B,
        "labels.node_image",
        B,
        other=C,
        group="image_id",
        tried=["Ubuntu Server 22.04 LTS Container", "Ubuntu Server 24.04 LTS Container"],
        aliases=["node_image"],
    ),
    "availability_zone": Values(
        "kr-pub-a", "labels.availability_zone", "kr-pub-a", other="kr-pub-b", group="labels.availability_zone", tried=["kr-pub-a", "kr-pub-b"]
    ),
    "node_count": Values(2, "node_count", 2, group="node_count", rejected=Rejected(0, 0), type="int"),
    "boot_volume_type": Values(
        "General SSD",
        "labels.boot_volume_type",
        "General SSD",
        other="General HDD",
        group="labels.boot_volume_type",
        tried=["General SSD", "General HDD"],
    ),
    "boot_volume_size": Values(
        50,
        "labels.boot_volume_size",
        "50",
        other=60,
        group="labels.boot_volume_size",
        tried=[50, 60],
        rejected=Rejected(0, "0"),
        type="int",
    ),
    "boot_volume_key_id": Values("key-1", "labels.boot_volume_key_id", "key-1", other="key-9", group="labels.boot_volume_key_id"),
    "boot_volume_appkey": Values("app-secret", "labels.boot_volume_appkey", "app-secret", other="other-secret", group="labels.boot_volume_appkey"),
    "additional_networks": Values(
        [A, B],
        "labels.additional_network_id_list",
        "%s:%s" % (A, B),
        other=[B, A],
        group="labels.additional_network_id_list",
        type="list",
        aliases=["additional_network_id_list"],
    ),
    "additional_subnets": Values(
        [B, C],
        "labels.additional_subnet_id_list",
        "%s:%s" % (B, C),
        other=[C, B],
        group="labels.additional_subnet_id_list",
        type="list",
        aliases=["additional_subnet_id_list"],
    ),
    "extra_security_groups": Values(
        [{"subnet": SUBNET, "security_groups": [A, B]}],
        "labels.extra_security_groups",
        [{"target_subnet": SUBNET, "security_group_ids": "%s,%s" % (A, B)}],
        other=[{"subnet": SUBNET, "security_groups": [A]}],
        group="labels.extra_security_groups",
        same=[{"subnet": SUBNET, "security_groups": [B]}, {"subnet": SUBNET, "security_groups": [A]}],
        type="list",
    ),
    "extra_volumes": Values(
        [
            {"type": "General SSD", "size": 10, "key_id": "key-2", "appkey": "volume-secret", "mount_path": "/data"},
            {"type": "General HDD", "size": 20, "key_id": None, "appkey": None, "mount_path": None},
        ],
        "labels.extra_volumes",
        [
            {"volume_type": "General SSD", "volume_size": 10, "volume_key_id": "key-2", "volume_appkey": "volume-secret", "volume_mount_path": "/data"},
            {"volume_type": "General HDD", "volume_size": 20},
        ],
        other=[{"type": "General HDD", "size": 10}, {"type": "General SSD", "size": 20}],
        group="labels.extra_volumes",
        tried=[
            [],
            [{"type": "General SSD", "size": 10, "mount_path": "/data"}],
            [{"type": "General HDD", "size": 20, "key_id": "key", "appkey": "volume-secret"}, {"type": "General SSD", "size": 10}],
        ],
        rejected=Rejected([{"type": "General HDD", "size": 2049}], [{"volume_type": "General HDD", "volume_size": 2049}], "2048"),
        type="list",
    ),
    "user_script": Values(
        "#!/bin/sh\necho hello\n",
        "labels.user_script_v2",
        "#!/bin/sh\necho hello\n",
        group="labels.user_script_v2",
        rejected=Rejected("echo hello", "echo hello", "#!"),
    ),
    "kubernetes_version": Values(
        "v1.31.4", "labels.kube_tag", "v1.31.4", group="labels.kube_tag", rejected=Rejected("1.31.4", "1.31.4", "tag"), aliases=["kube_tag"]
    ),
}
