# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cloud's state: tenants, tokens, clusters, node groups, nodes, events, and the tasks that change them in time."""

from __future__ import annotations

import copy
import dataclasses
import ipaddress
import json
import random
import re
import threading
import time
import uuid as uuid_module
from collections.abc import Callable, Iterator
from typing import Any

from . import seed
from .errors import ApiError
from .faults import FaultRules

# Task kinds with their event names ("task type" of the API guide): current, then as the older guide had it.
# Resize is listed under nodegroup_events by the guide, so its resource is the node group.
EVENT_NAMES = {
    "cluster_create": ("CLUSTER_CREATE", "CLUSTER_CREATE"),
    "cluster_delete": ("CLUSTER_DELETE", "CLUSTER_DELETE"),
    "resize": ("CLUSTER_RESIZE", "CLUSTER_RESIZE"),
    "cni_update": ("CLUSTER_CNI_UPDATE", "CLUSTER_CNI_UPDATE"),
    "ipacl": ("CLUSTER_API_EP_IPACL_UPDATE", "CLUSTER_API_EP_IPACL_UPDATE"),
    "certificate": ("CLUSTER_ROTATE_CERTIFICATE", "CLUSTER_ROTATE_CERTIFICATE"),
    "update_sgw": ("CLUSTER_UPDATE_SGW", "CLUSTER_UPDATE_SGW"),
    "nodegroup_create": ("NODEGROUP_CREATE", "NODEGROUP_CREATE"),
    "nodegroup_delete": ("NODEGROUP_DELETE", "NODEGROUP_DELETE"),
    "stop_node": ("NODEGROUP_NODE_ACTION_STOP_NODE", "NODEGROUP_NODE_ACTION_NODE_STOP"),
    "start_node": ("NODEGROUP_NODE_ACTION_START_NODE", "NODEGROUP_NODE_ACTION_NODE_START"),
    "autoscale": ("NODEGROUP_SET_CLUSTER_AUTOSCALER", "NODEGROUP_SET_CLUSTER_AUTOSCALER"),
    "upgrade": ("NODEGROUP_UPGRADE", "NODEGROUP_UPGRADE"),
    "userscript": ("NODEGROUP_USERSCRIPT_UPDATE", "NODEGROUP_USERSCRIPT_UPDATE"),
    "flavor": ("NODEGROUP_UPDATE_FLAVOR", "NODEGROUP_UPDATE_FLAVOR"),
}


class Clock:
    """Wall-clock time that can be moved forward by hand, or stands still (`frozen`) until it is."""

    def __init__(self, frozen: bool = False, start: float | None = None) -> None:
        self.frozen = frozen
        self._offset = 0.0
        self._start = time.time() if start is None else start
        self._origin = time.time()

    def now(self) -> float:
        elapsed = 0.0 if self.frozen else time.time() - self._origin
        return self._start + elapsed + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += seconds


@dataclasses.dataclass
class Settings:
    """What `POST /_sim/settings` and the command line can change; README.md tells what each is for."""

    task_seconds: float = 2.0
    task_seconds_by_kind: dict[str, float] = dataclasses.field(default_factory=dict)
    stale_polls: int = 0
    missing_polls: int = 0
    shown_after: float = 0.0
    list_400_polls: int = 0
    page_max: int = 1000
    image_page_max: int = 1000
    server_page_max: int = 1000
    busy_status: int = 400
    duplicate_group: str = "refuse"
    retry_failed: bool = False
    delete_while_busy: bool = False
    cni_removed: bool = False
    event_names: str = "current"
    event_types_shape: str = "flat"
    quota_clusters: int = 3
    quota_nodegroups: int = 3
    quota_nodes: int = 10
    token_seconds: float = 12 * 3600.0
    nodes_ready_seconds: float = 0.0
    health_seconds: float = 0.0
    health_form: str = "current"
    latency: float = 0.0
    catalogue_kubernetes: str = "container-infra"
    catalogue_suffix: str = "/v1"
    catalogue_omit: list[str] = dataclasses.field(default_factory=list)
    echo_appkeys: bool = True
    autoscale_omitted: str = "default"
    stopped_nodes_listed: bool = True
    ipacl_normalise: bool = False
    action_status: int = 202
    supported_versions: dict[str, bool] = dataclasses.field(default_factory=lambda: dict(seed.SUPPORTED_VERSIONS))

    _CHOICES = {
        "busy_status": (400, 409),
        "duplicate_group": ("refuse", "drop"),
        "event_names": ("current", "guide"),
        "event_types_shape": ("flat", "nested"),
        "catalogue_kubernetes": ("container-infra", "kubernetes", ""),
        "autoscale_omitted": ("default", "keep"),
        "action_status": (200, 202),
        "health_form": ("current", "guide"),
    }

    def update(self, values: dict[str, Any]) -> None:
        """Takes new values; an unknown name or a wrong type changes nothing and is a ValueError."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in fields:
                raise ValueError(f"unknown setting {name!r}")
            kind = type(fields[name])
            accepted = (int, float) if kind is float else (kind,)
            if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
                raise ValueError(f"setting {name!r} must be of type {kind.__name__}")
            choices = self._CHOICES.get(name)
            if choices and value not in choices:
                raise ValueError(f"setting {name!r} must be one of {list(choices)}")
        for name, value in values.items():
            setattr(self, name, float(value) if isinstance(fields[name], float) else value)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass
class Token:
    """An issued token, good for one tenant in all regions."""

    id: str
    tenant_id: str
    username: str
    issued: float
    expires: float


@dataclasses.dataclass
class Node:
    """A worker node: an instance of the compute service; `ready` is from when on Kubernetes calls it ready."""

    uuid: str
    name: str
    address: str
    flavor_id: str
    image_id: str
    zone: str
    status: str = "ACTIVE"
    created: float = 0.0
    ready: float = 0.0


@dataclasses.dataclass
class NodeGroup:
    """A node group; `version` is the Kubernetes version its nodes run."""

    id: int
    uuid: str
    name: str
    role: str
    flavor_id: str | None
    image_id: str | None
    labels: dict[str, str]
    version: str
    stack_id: str
    requested: int
    status: str
    created: float
    status_reason: str | None = None
    updated: float | None = None
    nodes: list[Node] = dataclasses.field(default_factory=list)
    next_node: int = 0
    missing_left: int = 0
    overrides: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def autoscaler_on(self) -> bool:
        return self.labels.get("ca_enable", "").lower() == "true"

    @property
    def metric_autoscaler_on(self) -> bool:
        return any(json.loads(self.labels.get(name) or "{}").get("enable") is True for name in ("mba_scale_out", "mba_scale_in"))

    def stopped(self) -> list[Node]:
        return [node for node in self.nodes if node.status == "SHUTOFF"]


@dataclasses.dataclass
class Event:
    """One entry of the task history."""

    id: int
    uuid: str
    resource_uuid: str
    resource_name: str
    resource_type: str
    type: str
    state: str
    contents: str | None
    created: float
    updated: float


@dataclasses.dataclass
class Task:
    """A change under way: `apply` is what happens when it ends well."""

    kind: str
    cluster: Cluster
    nodegroup: NodeGroup | None
    prefix: str
    due: float
    apply: Callable[[float], object]
    event: Event
    failure: dict[str, Any] | None = None


@dataclasses.dataclass
class Cluster:
    """A cluster with its node groups; `labels` holds only what the service shows on the cluster itself."""

    id: int
    uuid: str
    name: str
    tenant_id: str
    region: str
    username: str
    user_id: str
    keypair: str
    flavor_id: str
    fixed_network: str
    fixed_subnet: str
    create_timeout: int
    labels: dict[str, str]
    version: str
    coe_version: str
    created: float
    stack_id: str
    cluster_template_id: str
    status: str
    certificate_from: float
    certificate_years: int = 5
    certificate_generation: int = 1
    certificate_text: str | None = None
    certificate_serial: str | None = None
    status_reason: str | None = None
    updated: float | None = None
    api_address: str | None = None
    master: NodeGroup | None = None
    nodegroups: dict[str, NodeGroup] = dataclasses.field(default_factory=dict)
    events: list[Event] = dataclasses.field(default_factory=list)
    ipacl: dict[str, Any] = dataclasses.field(default_factory=lambda: {"enable": False})
    task: Task | None = None
    failed_task: tuple[str, NodeGroup | None] | None = None
    health: tuple[float, dict[str, str]] | None = None
    missing_left: int = 0
    stale_left: int = 0
    stale: Cluster | None = None
    overrides: dict[str, Any] = dataclasses.field(default_factory=dict)

    def groups_with_master(self) -> Iterator[NodeGroup]:
        if self.master is not None:
            yield self.master
        yield from self.nodegroups.values()

    @property
    def busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS")

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    def certificate_expiry(self) -> float:
        """N years are N times 365 days (seen on the service: created 2026-10-07, expiry 2031-10-06)."""
        return self.certificate_from + self.certificate_years * 365 * 86400

    def snapshot(self) -> Cluster:
        """A copy to show for as long as the service still answers from before a change."""
        other = dataclasses.replace(self, task=None, stale=None, stale_left=0)
        other.labels = dict(self.labels)
        other.ipacl = copy.deepcopy(self.ipacl)
        other.events = [dataclasses.replace(event) for event in self.events]
        other.master = copy.deepcopy(self.master)
        other.nodegroups = copy.deepcopy(self.nodegroups)
        return other


class Project:
    """One tenant in one region."""

    def __init__(self, tenant_id: str, region: str, found: seed.Resources) -> None:
        self.tenant_id = tenant_id
        self.region = region
        self.found = found
        self.clusters: dict[str, Cluster] = {}
        self.list_400_left = 0
        self._next_address: dict[str, int] = {}

    def subnet(self, subnet_id: str) -> dict[str, Any] | None:
        return next((subnet for subnet in self.found.subnets if subnet["id"] == subnet_id), None)

    def vpc(self, vpc_id: str) -> dict[str, Any] | None:
        return next((vpc for vpc in self.found.vpcs if vpc["id"] == vpc_id), None)

    def address(self, subnet_id: str) -> str:
        """The next free address of a subnet, from the tenth on."""
        subnet = self.subnet(subnet_id)
        network = ipaddress.ip_network(subnet["cidr"])
        taken = self._next_address.get(subnet_id, 0)
        self._next_address[subnet_id] = taken + 1
        return str(network[10 + taken % (network.num_addresses - 20)])

    def find_clusters(self, reference: str) -> list[Cluster]:
        if reference in self.clusters:
            return [self.clusters[reference]]
        return [cluster for cluster in self.clusters.values() if cluster.name == reference]


def version_key(version: str) -> tuple[int, int, int]:
    match = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", version)
    if not match:
        raise ValueError(version)
    return int(match[1]), int(match[2]), int(match[3])


class Cloud:
    """Everything, under one lock."""

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        clock: Clock | None = None,
        regions: tuple[str, ...] = seed.DEFAULT_REGIONS,
        password: str = seed.DEMO_PASSWORD,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock or Clock()
        self.regions = regions
        self.settings = settings or Settings()
        self._first_settings = copy.deepcopy(self.settings)
        self._first_password = password
        self.tokens: dict[str, Token] = {}
        self.faults = FaultRules()
        self.log: list[dict[str, Any]] = []
        self.reset()

    def reset(self) -> None:
        """Back to how it was started; tokens stay good, so that a client need not log in again."""
        with self.lock:
            self.settings.__dict__.update(copy.deepcopy(self._first_settings).__dict__)
            self.accounts = seed.accounts(self._first_password)
            self.faults.clear()
            self.log.clear()
            self.tasks: list[Task] = []
            self.rotation = 0
            self._next_id = 1
            self._random = random.Random(0)
            self.projects: dict[tuple[str, str], Project] = {}
            for tenant_number, tenant in enumerate((seed.DEMO_TENANT, seed.OTHER_TENANT), start=1):
                for position, region in enumerate(self.regions, start=len(seed.DEFAULT_REGIONS) + 1):
                    known = region in seed.DEFAULT_REGIONS
                    number = seed.DEFAULT_REGIONS.index(region) + 1 if known else position
                    found = seed.resources(region, number, tenant, tenant_number)
                    self.projects[tenant, region] = Project(tenant, region, found)

    # -- small things

    def next_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def choose(self, things: list[Any], count: int) -> list[Any]:
        return self._random.sample(things, count)

    def hidden(self, thing: Cluster | NodeGroup) -> bool:
        """Whether something new is not shown yet (observed on Magnum: its answer comes before the object is there)."""
        return self.settings.shown_after > 0 and self.clock.now() - thing.created < self.settings.shown_after

    def event_name(self, kind: str) -> str:
        return EVENT_NAMES[kind][0 if self.settings.event_names == "current" else 1]

    def all_clusters(self) -> Iterator[Cluster]:
        for project in self.projects.values():
            yield from project.clusters.values()

    # -- tokens

    def issue_token(self, tenant_id: str, username: str) -> Token:
        now = self.clock.now()
        token = Token(uuid_module.uuid4().hex, tenant_id, username, now, now + self.settings.token_seconds)
        self.tokens[token.id] = token
        return token

    def token(self, token_id: str | None) -> Token | None:
        token = self.tokens.get(token_id or "")
        if token is None or token.expires <= self.clock.now():
            return None
        return token

    # -- nodes

    def add_nodes(self, cluster: Cluster, nodegroup: NodeGroup, count: int, now: float) -> None:
        project = self.projects[cluster.tenant_id, cluster.region]
        for dummy in range(count):
            nodegroup.nodes.append(
                Node(
                    uuid=str(uuid_module.uuid4()),
                    name=f"{cluster.name}-{nodegroup.name}-node-{nodegroup.next_node}",
                    address=project.address(cluster.fixed_subnet),
                    flavor_id=nodegroup.flavor_id,
                    image_id=nodegroup.image_id,
                    zone=nodegroup.labels["availability_zone"],
                    created=now,
                )
            )
            nodegroup.next_node += 1
            self.restart(nodegroup.nodes[-1:], now)

    def restart(self, nodes: list[Node], now: float) -> None:
        """Nodes that are new, replaced or started: they join Kubernetes some time after the task has ended."""
        for node in nodes:
            node.ready = now + self.settings.nodes_ready_seconds

    # -- tasks

    def begin(
        self,
        cluster: Cluster,
        kind: str,
        apply: Callable[[float], object],
        *,
        prefix: str = "UPDATE",
        nodegroup: NodeGroup | None = None,
        whole: bool = False,
        prepare: Callable[[], None] | None = None,
    ) -> bool:
        """Starts a task. False when a `drop_task` rule lets it vanish although the request is accepted.

        `whole` marks the creation and deletion of the cluster itself, where its status has the task's prefix; in
        all other cases the cluster is being updated while the node group is created, updated or deleted.
        """
        rule = self.faults.task_rule(kind, self.event_name(kind), cluster.name)
        if rule and rule["effect"] == "drop_task":
            return False
        now = self.clock.now()
        if self.settings.stale_polls and kind != "cluster_create":
            cluster.stale, cluster.stale_left = cluster.snapshot(), self.settings.stale_polls
        if prepare:
            prepare()
        cluster.status = f"{prefix if whole else 'UPDATE'}_IN_PROGRESS"
        cluster.status_reason = None
        if nodegroup is not None:
            nodegroup.status = f"{prefix}_IN_PROGRESS"
            nodegroup.status_reason = None
        target = nodegroup if nodegroup is not None and not whole else cluster
        event = self.add_event(cluster, target, self.event_name(kind), now)
        seconds = self.settings.task_seconds_by_kind.get(kind, self.settings.task_seconds)
        task = Task(kind, cluster, nodegroup, prefix, now + seconds, apply, event, rule if rule and rule["effect"] == "fail_task" else None)
        cluster.task = task
        self.tasks.append(task)
        return True

    def add_event(self, cluster: Cluster, target: Cluster | NodeGroup, name: str, now: float) -> Event:
        event = Event(
            id=self.next_id(),
            uuid=str(uuid_module.uuid4()),
            resource_uuid=target.uuid,
            resource_name=target.name,
            resource_type="cluster" if isinstance(target, Cluster) else "nodegroup",
            type=name,
            state="IN_PROGRESS",
            contents="Task has started",
            created=now,
            updated=now,
        )
        cluster.events.append(event)
        return event

    def tick(self) -> None:
        """Ends the tasks whose time has come; called before every request is looked at."""
        now = self.clock.now()
        due = [task for task in self.tasks if task.due <= now]
        for task in due:
            if task.kind == "cluster_delete" and task.cluster.stale_left > 0:
                continue  # the reads that still show the old state come first
            self.tasks.remove(task)
            if task.cluster.task is task:
                self._finish(task)

    def _finish(self, task: Task) -> None:
        cluster, nodegroup = task.cluster, task.nodegroup
        whole = task.kind in ("cluster_create", "cluster_delete")
        cluster.task = None
        end = "FAILED" if task.failure else "COMPLETE"
        cluster.updated = task.due
        cluster.status = f"{task.prefix if whole else 'UPDATE'}_{end}"
        cluster.failed_task = (task.kind, nodegroup) if task.failure else None
        if task.failure:
            reason = task.failure.get("reason", f"Task {task.event.type} failed")
            task.event.state = "FAIL"
            task.event.contents = task.failure.get("contents", reason)
        else:
            reason = "Deploy completed successfully"
            task.event.state, task.event.contents = "SUCCESS", None
        task.event.updated = task.due
        cluster.status_reason = reason
        touched = [group for group in cluster.groups_with_master() if group.status.endswith("_IN_PROGRESS")]
        if nodegroup is not None and nodegroup not in touched:
            touched.append(nodegroup)
        for group in touched:
            group.status = f"{task.prefix}_{end}"
            group.status_reason = reason
            group.updated = task.due
        if not task.failure:
            task.apply(task.due)
        if not whole and any(group.status.endswith("_FAILED") for group in cluster.nodegroups.values()) and task.kind != "certificate":
            cluster.status = "UPDATE_FAILED"

    def refuse_if_blocked(self, cluster: Cluster, nodegroup: NodeGroup | None = None, kind: str | None = None) -> None:
        """A change needs a cluster (and node group) that is neither busy nor failed.

        `kind` is given where the task that failed may be tried again, with the setting `retry_failed`.
        """
        if cluster.busy:
            raise ApiError(self.settings.busy_status, f"Cluster {cluster.name} already has an operation in progress.")
        if self.settings.retry_failed and kind is not None and cluster.status == "UPDATE_FAILED" and cluster.failed_task == (kind, nodegroup):
            return
        for thing in (cluster, nodegroup):
            if thing is not None and thing.status.endswith("_FAILED"):
                raise ApiError(400, f'Updating a cluster when status is "{thing.status}" is not supported.')
