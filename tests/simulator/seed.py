# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated cloud holds before anybody has asked for anything: names and UUIDs are fixed and documented."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

DEFAULT_REGIONS = ("kr1", "kr2", "kr3", "jp1")
# NKS is offered in the three Korean regions only ("Public regions" of the region guide).
REGIONS_WITHOUT_NKS = ("jp1",)

DEMO_TENANT = "0123456789abcdef0123456789abcdef"
DEMO_USER = "demo@example.com"
DEMO_PASSWORD = "demo-api-password"
OTHER_TENANT = "fedcba9876543210fedcba9876543210"
OTHER_USER = "other@example.com"
OTHER_PASSWORD = "other-api-password"

# First eight hex digits of the UUIDs, by kind.
_KINDS = {
    "vpc": 0xA1000000,
    "subnet": 0xA2000000,
    "routingtable": 0xA3000000,
    "security_group": 0xA4000000,
    "service_gateway": 0xA5000000,
    "service_endpoint": 0xA6000000,
    "external_network": 0xE1000000,
    "external_subnet": 0xE2000000,
    "flavor": 0xF1000000,
    "image": 0x1A000000,
    "volume_type": 0xD1000000,
    "internet_gateway": 0x16000000,
    "server": 0x5E000000,
}

ZONES = {
    "kr1": ("kr-pub-a", "kr-pub-b"),
    "kr2": ("kr2-pub-a", "kr2-pub-b"),
    "kr3": ("kr3-pub-a", "kr3-pub-b"),
    "jp1": ("jp-pub-a", "jp-pub-b"),
}

# name, vcpus, ram in MB; `m2.c8m16` is held by two flavors on purpose.
_FLAVORS = (
    ("m2.c2m4", 2, 4096),
    ("m2.c4m8", 4, 8192),
    ("c2.c4m4", 4, 4096),
    ("r2.c4m32", 4, 32768),
    ("t2.c4m4", 4, 4096),
    ("x1.c16m32", 16, 32768),
    ("u2.c2m4", 2, 4096),
    ("u2.c4m8", 4, 8192),
    ("g2.c8m90", 8, 92160),
    ("m2.c8m16", 8, 16384),
    ("m2.c8m16", 8, 16384),
)

# name, smallest disk in GB, kind of flavors that it is for as NKS node ("" for none)
_IMAGES = (
    ("Ubuntu Server 22.04 LTS Container", 20, "cpu"),
    ("Ubuntu Server 24.04 LTS Container", 30, "cpu"),
    ("Rocky Linux 9.4 Container", 30, "cpu"),
    ("Ubuntu Server 22.04 LTS", 20, ""),
    ("Ubuntu Server 22.04 LTS GPU Container", 30, "gpu"),
)

VOLUME_TYPES = ("General HDD", "General SSD")

# name, VPC number, CIDR, has an internet gateway
_SUBNETS = (
    ("demo-subnet", 1, "10.0.0.0/16", True),
    ("private-subnet", 1, "10.1.0.0/24", False),
    ("extra-subnet", 1, "10.2.0.0/24", True),
    ("tiny-subnet", 1, "10.3.0.0/26", True),
    ("demo-subnet", 2, "10.0.0.0/24", True),
    ("storage-subnet", 2, "10.4.0.0/24", False),
)
_VPCS = (("demo-vpc", "10.0.0.0/12"), ("other-vpc", "10.0.0.0/12"))

_SECURITY_GROUPS = ("default", "web", "db") + tuple(f"extra-{n:02d}" for n in range(1, 8))

# name, type, VPC number, subnet number
_SERVICE_GATEWAYS = (
    ("demo-ncr", "NCR", 1, 2),
    ("demo-obs", "OBS", 1, 2),
    ("demo-ncr-2", "NCR", 1, 2),
    ("demo-obs-2", "OBS", 1, 2),
    ("other-ncr", "NCR", 2, 6),
    ("other-obs", "OBS", 2, 6),
)
_SERVICE_ENDPOINTS = (
    ("OBS", "Object Storage"),
    ("NCR", "NHN Container Registry(NCR)"),
    ("IAAS", "IaaS API Container - Infra"),
)

EXTERNAL_SUBNET_COUNT = 5

# What `GET /v1/supports` says: True may be created. Older ones can only be upgraded from.
SUPPORTED_VERSIONS = {
    "v1.27.3": False,
    "v1.28.3": False,
    "v1.29.3": True,
    "v1.30.3": True,
    "v1.31.4": True,
    "v1.32.3": True,
    "v1.33.4": True,
}


def fixed_id(kind: str, tenant_number: int, region_number: int, number: int) -> str:
    """The UUID of the number-th thing of a kind; tenant number 0 is for what a region shares between tenants."""
    return f"{_KINDS[kind]:08x}-{tenant_number:02x}{region_number:02x}-4000-8000-{number:012x}"


@dataclasses.dataclass
class Account:
    """A user with the API password, the tenants it may enter and its own key pairs."""

    username: str
    user_id: str
    password: str
    tenants: list[str]
    keypairs: list[str]


def accounts(password: str = DEMO_PASSWORD) -> dict[str, Account]:
    """Key pairs belong to the user, not to the project (Compute guide, List Key Pairs)."""
    return {
        DEMO_USER: Account(DEMO_USER, "d" * 32, password, [DEMO_TENANT], ["demo-key", "second-key"]),
        OTHER_USER: Account(OTHER_USER, "e" * 32, OTHER_PASSWORD, [OTHER_TENANT], ["other-key"]),
    }


@dataclasses.dataclass
class Resources:
    """What the look-up services show of one tenant in one region, in the services' own forms."""

    zones: list[str]
    flavors: list[dict[str, Any]]
    images: list[dict[str, Any]]
    volume_types: list[dict[str, Any]]
    vpcs: list[dict[str, Any]]
    subnets: list[dict[str, Any]]
    routingtables: list[dict[str, Any]]
    security_groups: list[dict[str, Any]]
    service_gateways: list[dict[str, Any]]
    service_endpoints: list[dict[str, Any]]
    servers: list[dict[str, Any]]


def _network(region_number: int, tenant_number: int, tenant: str) -> dict[str, list[dict[str, Any]]]:
    def own(kind: str, number: int) -> str:
        return fixed_id(kind, tenant_number, region_number, number)

    def shared(kind: str, number: int) -> str:
        return fixed_id(kind, 0, region_number, number)

    gateways = {number: own("internet_gateway", number) for number in (1, 2)}
    tables = []
    for number in range(1, len(_VPCS) + 1):
        # The default table of each VPC has no gateway: a client that looks only at a VPC's first table is wrong.
        for with_gateway in (False, True):
            tables.append(
                {
                    "id": own("routingtable", 2 * number - 1 + with_gateway),
                    "name": f"{_VPCS[number - 1][0]}-{'internet' if with_gateway else 'default'}",
                    "default_table": not with_gateway,
                    "gateway_id": gateways[number] if with_gateway else "",
                    "gateway_name": f"{_VPCS[number - 1][0]}-igw" if with_gateway else "",
                    "vpc_id": own("vpc", number),
                    "tenant_id": tenant,
                    "state": "available",
                    "distributed": True,
                }
            )
    subnets = []
    for number, (name, vpc, cidr, with_gateway) in enumerate(_SUBNETS, start=1):
        table = tables[2 * (vpc - 1) + with_gateway]
        subnets.append(
            {
                "id": own("subnet", number),
                "name": name,
                "cidr": cidr,
                "vpc_id": own("vpc", vpc),
                "gateway": cidr.rsplit(".", 1)[0] + ".1",
                "state": "available",
                "available_ip_count": 200,
                "router:external": False,
                "shared": False,
                "tenant_id": tenant,
                "create_time": "2026-01-05 10:00:00",
                "routingtable": {
                    "id": table["id"],
                    "name": table["name"],
                    "gateway_id": table["gateway_id"],
                    "default_table": table["default_table"],
                    "explicit": True,
                },
            }
        )
    vpcs = [
        {
            "id": own("vpc", number),
            "name": name,
            "cidrv4": cidr,
            "state": "available",
            "shared": False,
            "router:external": False,
            "tenant_id": tenant,
            "create_time": "2026-01-05 09:00:00",
        }
        for number, (name, cidr) in enumerate(_VPCS, start=1)
    ]
    external = shared("external_network", 1)
    vpcs.append(
        {
            "id": external,
            "name": "public_network",
            "cidrv4": "133.186.0.0/16",
            "state": "available",
            "shared": True,
            "router:external": True,
            "tenant_id": "0" * 32,
            "create_time": "2020-01-01 00:00:00",
        }
    )
    for number in range(1, EXTERNAL_SUBNET_COUNT + 1):
        subnets.append(
            {
                "id": shared("external_subnet", number),
                "name": f"public_subnet_{number}",
                "cidr": f"133.186.{number}.0/24",
                "vpc_id": external,
                "gateway": f"133.186.{number}.1",
                "state": "available",
                "available_ip_count": 100,
                "router:external": True,
                "shared": True,
                "tenant_id": "0" * 32,
                "create_time": "2020-01-01 00:00:00",
                "routingtable": None,
            }
        )
    endpoints = [
        {
            "id": shared("service_endpoint", number),
            "name": name,
            "display_name": display,
            "support_gateway_identity": False,
        }
        for number, (name, display) in enumerate(_SERVICE_ENDPOINTS, start=1)
    ]
    endpoint_ids = {endpoint["name"]: endpoint["id"] for endpoint in endpoints}
    service_gateways = [
        {
            "id": own("service_gateway", number),
            "name": name,
            "network_id": own("vpc", vpc),
            "subnet_id": own("subnet", subnet),
            "fixed_ip": f"{_SUBNETS[subnet - 1][2].rsplit('.', 1)[0]}.{200 + number}",
            "port_id": own("server", 100 + number),
            "service_endpoint_id": endpoint_ids[kind],
            "status": "AVAILABLE",
            "tenant_id": tenant,
            "description": "",
        }
        for number, (name, kind, vpc, subnet) in enumerate(_SERVICE_GATEWAYS, start=1)
    ]
    groups = [
        {
            "id": own("security_group", number),
            "name": name,
            "description": "",
            "tenant_id": tenant,
            "security_group_rules": [],
        }
        for number, name in enumerate(_SECURITY_GROUPS, start=1)
    ]
    return {
        "vpcs": vpcs,
        "subnets": subnets,
        "routingtables": tables,
        "service_gateways": service_gateways,
        "service_endpoints": endpoints,
        "security_groups": groups,
    }


def resources(region: str, region_number: int, tenant: str, tenant_number: int) -> Resources:
    """A fresh copy of everything one tenant sees in one region."""
    zones = list(ZONES.get(region, (f"{region}-pub-a", f"{region}-pub-b")))
    flavors = [
        {
            "id": fixed_id("flavor", 0, region_number, number),
            "name": name,
            "vcpus": vcpus,
            "ram": ram,
            "disk": 20 if name.startswith("u2.") else 0,
            "os-flavor-access:is_public": True,
            "OS-FLV-DISABLED:disabled": False,
            "extra_specs": {"flavor_type": name.split(".", maxsplit=1)[0]},
        }
        for number, (name, vcpus, ram) in enumerate(_FLAVORS, start=1)
    ]
    images = [
        {
            "id": fixed_id("image", 0, region_number, number),
            "name": name,
            "status": "active",
            "visibility": "public",
            "owner": "0" * 32,
            "min_disk": min_disk,
            "min_ram": 0,
            "protected": True,
            "os_type": "linux",
            "os_distro": name.split(" ", maxsplit=1)[0].lower(),
            "nhncloud_product": "container" if for_nks else "compute",
            **{f"nhncloud_allow_nks_{kind}_flavor": "true" if kind == for_nks else "false" for kind in ("cpu", "gpu")},
            "created_at": "2026-01-05T00:00:00Z",
            "tags": [],
        }
        for number, (name, min_disk, for_nks) in enumerate(_IMAGES, start=1)
    ]
    volume_types = [
        {
            "id": fixed_id("volume_type", 0, region_number, number),
            "name": name,
            "is_public": True,
        }
        for number, name in enumerate(VOLUME_TYPES, start=1)
    ]
    network = _network(region_number, tenant_number, tenant)
    # An instance that has nothing to do with NKS, at an address of the clusters' subnet.
    servers = [
        {
            "id": fixed_id("server", tenant_number, region_number, 1),
            "name": "bastion",
            "status": "ACTIVE",
            "address": "10.0.255.10",
            "subnet_id": fixed_id("subnet", tenant_number, region_number, 1),
            "vpc_id": fixed_id("vpc", tenant_number, region_number, 1),
            "flavor_id": flavors[0]["id"],
            "image_id": images[3]["id"],
            "key_name": "demo-key",
            "zone": zones[0],
            "metadata": {},
        }
    ]
    return Resources(zones=zones, flavors=flavors, images=images, volume_types=volume_types, servers=servers, **copy.deepcopy(network))
