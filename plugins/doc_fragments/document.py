# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Written by "make generate" from the documentation of the modules. Change the texts there, and what only a document has in
# tests/tools/document.py.

"""The document that describes a whole cluster, as an element of the option clusters."""

from __future__ import annotations


class ModuleDocFragment:
    # The list of documents
    DOCUMENTATION = r"""
options:
  clusters:
    description:
      - Documents, each of which describes one cluster completely. A document has the options of M(nhncloud.nks.nks_cluster),
        the region of the cluster, its node groups and its access control. M(nhncloud.nks.nks_fleet_info) returns
        existing clusters in this form.
      - Options that you omit keep their current value.
      - Two documents for one cluster are an error, also if one of them has the name of the cluster and the other
        one its UUID.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the cluster, or UUID of an existing one.
          - A new name has 1 to 32 of the characters a-z, 0-9 and C(-), begins with a letter and does not end in
            C(-).
          - If several clusters have the same name, the task fails. Set the UUID instead.
        type: str
        required: true
      state:
        description:
          - With V(present), the module creates the cluster, or changes it if it differs.
          - With V(absent), the module deletes the cluster with all its node groups. Nothing changes if the cluster
            does not exist.
        type: str
        default: present
        choices:
          - present
          - absent
      region:
        description:
          - Region of the cluster. If it is not set, the region of the task is used, see O(region).
        type: str
      keypair:
        description:
          - Name of the key pair for the nodes. A key pair belongs to one user. Required to create the cluster.
          - Cannot be changed after creation.
        type: str
      network:
        description:
          - Name or UUID of the network (VPC) of the nodes. Required to create the cluster.
          - Cannot be changed after creation.
        type: str
        aliases:
          - fixed_network
      subnet:
        description:
          - Name or UUID of the subnet of the nodes. A name is looked up in O(clusters[].network). Required to create
            the cluster.
          - Cannot be changed after creation.
        type: str
        aliases:
          - fixed_subnet
      external_network:
        description:
          - Name or UUID of the network that is attached to the internet gateway. Required to create the cluster
            if O(clusters[].subnet) is attached to an internet gateway.
          - Cannot be changed after creation.
        type: str
        aliases:
          - external_network_id
      external_subnets:
        description:
          - Names or UUIDs of subnets of O(clusters[].external_network), in any order. If it is not set or empty,
            a cluster is created with all of them.
          - Cannot be changed after creation.
        type: list
        elements: str
        aliases:
          - external_subnet_id_list
      kubernetes_version:
        description:
          - Kubernetes version in the form that NKS uses, for example V(v1.32.3). Required to create the cluster.
          - On an existing cluster, another version is an upgrade, see O(clusters[].upgrade). The task fails on
            a downgrade.
        type: str
        aliases:
          - kube_tag
      public_api_endpoint:
        description:
          - Whether the Kubernetes API endpoint gets a public address, which requires O(clusters[].external_network).
            If it is not set, a cluster is created without one.
          - Cannot be changed after creation.
        type: bool
        aliases:
          - master_lb_floating_ip_enabled
      strict_sg_rules:
        description:
          - Whether the security groups of the nodes get only the rules that are required. If it is not set, NKS
            creates a cluster without this restriction.
          - Cannot be changed after creation.
        type: bool
      service_cluster_ip_range:
        description:
          - Network of the Kubernetes services (ClusterIP), a prefix of /24 or shorter. If it is not set, NKS uses
            C(10.254.0.0/16).
          - It must not overlap O(clusters[].subnet), O(clusters[].pods_network_cidr), 169.254.0.0/16 or 198.18.0.0/19.
          - Cannot be changed after creation.
        type: str
      pods_network_cidr:
        description:
          - Network of the pods, a prefix of /24 or shorter. If it is not set, NKS uses C(10.100.0.0/16).
          - It must not overlap O(clusters[].subnet), O(clusters[].service_cluster_ip_range), 169.254.0.0/16 or
            198.18.0.0/19.
          - Cannot be changed after creation, except together with O(clusters[].cni).
        type: str
      pods_network_subnet:
        description:
          - Prefix length of the pod subnet of one node, 20 to 28, and at least 2 longer than the prefix of O(clusters[].pods_network_cidr).
            If it is not set, NKS uses 24.
          - Cannot be changed after creation, except together with O(clusters[].cni).
        type: int
      ncr_sgw:
        description:
          - Name or UUID of the service gateway for NHN Container Registry (NCR), in the cluster's network.
          - It is required, together with O(clusters[].obs_sgw), to create a cluster in a O(clusters[].subnet) that
            is not attached to an internet gateway.
          - It can be changed for a cluster that was created with service gateways. NKS expects both gateways in
            each change; the one that you do not set keeps its current value.
        type: str
      obs_sgw:
        description:
          - Name or UUID of the service gateway for Object Storage (OBS), in the cluster's network. See O(clusters[].ncr_sgw).
        type: str
      cni:
        description:
          - CNI of the cluster. V(calico) is Calico-VXLAN and V(calico-ebpf) is Calico-eBPF.
          - On an existing cluster, the API guide offers only the change from Flannel to V(calico), with a new O(clusters[].pods_network_cidr).
            The public cloud removed this operation in May 2025; there, the task fails with the error that NKS returns.
        type: str
        choices:
          - calico
          - calico-ebpf
        aliases:
          - cni_driver
      flavor:
        description:
          - Name or UUID of the flavor of the nodes. Required to create the node group.
          - On an existing node group, the flavor is changed node by node; see O(clusters[].num_buffer_nodes) and
            O(clusters[].num_max_unavailable_nodes).
          - NKS allows changes only among the m2, c2, r2, t2 and x1 types. The task fails for others, also in check
            mode.
        type: str
        aliases:
          - flavor_id
      image:
        description:
          - Name or UUID of the base image. Only images made for NKS nodes are found by name. Required to create
            the node group.
          - Cannot be changed after creation.
        type: str
        aliases:
          - node_image
      availability_zone:
        description:
          - Name of the availability zone of the nodes. Required to create the node group.
          - Cannot be changed after creation.
        type: str
      node_count:
        description:
          - Number of nodes. If it is not set, a node group is created with one node, and an existing one keeps
            its number of nodes.
          - While the cluster autoscaler is on, any current number of nodes is accepted if O(clusters[].node_count)
            is within the autoscaler's limits; otherwise the task fails. While a policy of the metric-based autoscaler
            is on, NKS accepts no other number, so the task fails, also in check mode.
          - Quotas of the service limit it (10 by default).
        type: int
      boot_volume_type:
        description:
          - Name of the type of the nodes' boot volumes. Required to create the node group.
          - Cannot be changed after creation.
        type: str
      boot_volume_size:
        description:
          - Size of the nodes' boot volumes in GB. The image has a minimum. Required to create the node group.
          - Cannot be changed after creation.
        type: int
      boot_volume_key_id:
        description:
          - ID of the symmetric key in Secure Key Manager that encrypts the boot volumes.
          - Cannot be changed after creation.
        type: str
      boot_volume_appkey:
        description:
          - Appkey of Secure Key Manager for O(clusters[].boot_volume_key_id). It is a secret and is never shown.
          - Cannot be changed after creation. It is compared if NKS shows it.
        type: str
      additional_networks:
        description:
          - Names or UUIDs of additional networks (VPCs) to which the nodes are attached, in this order.
          - Cannot be changed after creation.
        type: list
        elements: str
        aliases:
          - additional_network_id_list
      additional_subnets:
        description:
          - Names or UUIDs of the subnets in O(clusters[].additional_networks), one for each, in the same order.
          - Cannot be changed after creation.
        type: list
        elements: str
        aliases:
          - additional_subnet_id_list
      extra_security_groups:
        description:
          - Additional security groups of the nodes.
          - Cannot be changed after creation. The order of a subnet's groups does not matter.
        type: list
        elements: dict
        suboptions:
          subnet:
            description:
              - Name or UUID of the subnet, of the cluster's network or of one of O(clusters[].additional_networks),
                to whose ports the groups apply.
            type: str
            required: true
          security_groups:
            description:
              - Names or UUIDs of 1 to 8 security groups.
            type: list
            elements: str
            required: true
      extra_volumes:
        description:
          - Additional block storage of each node, at most three volumes.
          - Cannot be changed after creation. Their order does not matter.
        type: list
        elements: dict
        suboptions:
          type:
            description:
              - Name of the volume type.
            type: str
            required: true
          size:
            description:
              - Size in GB, 1 to 2048.
            type: int
            required: true
          key_id:
            description:
              - ID of the symmetric key in Secure Key Manager that encrypts the volume.
            type: str
          appkey:
            description:
              - Appkey of Secure Key Manager for the key. It is a secret and is never shown.
            type: str
          mount_path:
            description:
              - Absolute path where the volume is mounted.
            type: str
      user_script:
        description:
          - Script that the nodes run as root when they are initialized, at most 64 KB, with C(#!) and the interpreter
            in its first line. An empty text means no script.
          - On an existing node group, the script is replaced. Only nodes that are created afterwards run the new
            script.
        type: str
      autoscale:
        description:
          - Settings of the cluster autoscaler. Settings that you omit keep their current value; at creation NKS
            uses its defaults.
          - While the autoscaler is on, it decides the number of nodes, and this module never resizes the group.
            Any current number of nodes is accepted if O(clusters[].node_count) is within the autoscaler's limits;
            otherwise the task fails.
        type: dict
        suboptions:
          enabled:
            description:
              - Whether the cluster autoscaler is on for this node group.
            type: bool
            required: true
            aliases:
              - ca_enable
          min_node_count:
            description:
              - Smallest number of nodes.
            type: int
            aliases:
              - ca_min_node_count
          max_node_count:
            description:
              - Largest number of nodes.
            type: int
            aliases:
              - ca_max_node_count
          scale_down_enabled:
            description:
              - Whether the autoscaler also removes nodes.
            type: bool
            aliases:
              - ca_scale_down_enable
          scale_down_unneeded_time:
            description:
              - Minutes that a node must have been unneeded before it is removed, 1 to 1440.
            type: int
            aliases:
              - ca_scale_down_unneeded_time
          scale_down_utilization_threshold:
            description:
              - Utilization in percent, 1 to 100, below which a node counts as unneeded.
            type: int
            aliases:
              - ca_scale_down_util_thresh
          scale_down_delay_after_add:
            description:
              - Minutes without removals after a node was added, 10 to 1440.
            type: int
            aliases:
              - ca_scale_down_delay_after_add
      labels:
        description:
          - Additional labels of the API, by name, for settings that have no option. They are sent as they are;
            a dictionary or list becomes JSON text.
          - The task fails on a label for which there is an option.
          - 'Cannot be changed after creation. A label is compared if NKS shows it: booleans in any case, JSON text
            by its content, and other texts exactly.'
        type: dict
      nodegroups:
        description:
          - Additional node groups, with the options of M(nhncloud.nks.nks_nodegroup). Node groups that are not
            in the list are unchanged, see O(clusters[].purge_nodegroups).
          - The default node group C(default-worker) has the options of the cluster. You can also list it here,
            for options that only node groups have. An option that has different values in both places is an error.
        type: list
        elements: dict
        suboptions:
          name:
            description:
              - Name of the node group, or UUID of an existing one. The default node group of a cluster is V(default-worker).
              - A new name has 1 to 32 of the characters a-z, 0-9 and C(-), begins with a letter and does not end
                in C(-).
            type: str
            required: true
          state:
            description:
              - With V(present), the module creates the node group, or changes it if it differs.
              - With V(absent), the module deletes the node group with its nodes. Nothing changes if the node group
                does not exist.
            type: str
            default: present
            choices:
              - present
              - absent
          nodes_to_remove:
            description:
              - UUIDs, names or IP addresses of the nodes to remove when O(clusters[].nodegroups[].node_count) decreases.
                Otherwise the option is ignored.
              - The task fails if you list more nodes than have to be removed, or a node that is not in the node
                group. If you list fewer nodes, NKS chooses the others and the module issues a warning.
            type: list
            elements: str
          flavor:
            description:
              - Name or UUID of the flavor of the nodes. Required to create the node group.
              - On an existing node group, the flavor is changed node by node; see O(clusters[].nodegroups[].num_buffer_nodes)
                and O(clusters[].nodegroups[].num_max_unavailable_nodes).
              - NKS allows changes only among the m2, c2, r2, t2 and x1 types. The task fails for others, also in
                check mode.
            type: str
            aliases:
              - flavor_id
          image:
            description:
              - Name or UUID of the base image. Only images made for NKS nodes are found by name. Required to create
                the node group.
              - Cannot be changed after creation.
            type: str
            aliases:
              - node_image
          availability_zone:
            description:
              - Name of the availability zone of the nodes. Required to create the node group.
              - Cannot be changed after creation.
            type: str
          node_count:
            description:
              - Number of nodes. If it is not set, a node group is created with one node, and an existing one keeps
                its number of nodes.
              - While the cluster autoscaler is on, any current number of nodes is accepted if O(clusters[].nodegroups[].node_count)
                is within the autoscaler's limits; otherwise the task fails. While a policy of the metric-based
                autoscaler is on, NKS accepts no other number, so the task fails, also in check mode.
              - Quotas of the service limit it (10 by default).
            type: int
          boot_volume_type:
            description:
              - Name of the type of the nodes' boot volumes. Required to create the node group.
              - Cannot be changed after creation.
            type: str
          boot_volume_size:
            description:
              - Size of the nodes' boot volumes in GB. The image has a minimum. Required to create the node group.
              - Cannot be changed after creation.
            type: int
          boot_volume_key_id:
            description:
              - ID of the symmetric key in Secure Key Manager that encrypts the boot volumes.
              - Cannot be changed after creation.
            type: str
          boot_volume_appkey:
            description:
              - Appkey of Secure Key Manager for O(clusters[].nodegroups[].boot_volume_key_id). It is a secret and
                is never shown.
              - Cannot be changed after creation. It is compared if NKS shows it.
            type: str
          additional_networks:
            description:
              - Names or UUIDs of additional networks (VPCs) to which the nodes are attached, in this order.
              - Cannot be changed after creation.
            type: list
            elements: str
            aliases:
              - additional_network_id_list
          additional_subnets:
            description:
              - Names or UUIDs of the subnets in O(clusters[].nodegroups[].additional_networks), one for each, in
                the same order.
              - Cannot be changed after creation.
            type: list
            elements: str
            aliases:
              - additional_subnet_id_list
          extra_security_groups:
            description:
              - Additional security groups of the nodes.
              - Cannot be changed after creation. The order of a subnet's groups does not matter.
            type: list
            elements: dict
            suboptions:
              subnet:
                description:
                  - Name or UUID of the subnet, of the cluster's network or of one of O(clusters[].nodegroups[].additional_networks),
                    to whose ports the groups apply.
                type: str
                required: true
              security_groups:
                description:
                  - Names or UUIDs of 1 to 8 security groups.
                type: list
                elements: str
                required: true
          extra_volumes:
            description:
              - Additional block storage of each node, at most three volumes.
              - Cannot be changed after creation. Their order does not matter.
            type: list
            elements: dict
            suboptions:
              type:
                description:
                  - Name of the volume type.
                type: str
                required: true
              size:
                description:
                  - Size in GB, 1 to 2048.
                type: int
                required: true
              key_id:
                description:
                  - ID of the symmetric key in Secure Key Manager that encrypts the volume.
                type: str
              appkey:
                description:
                  - Appkey of Secure Key Manager for the key. It is a secret and is never shown.
                type: str
              mount_path:
                description:
                  - Absolute path where the volume is mounted.
                type: str
          user_script:
            description:
              - Script that the nodes run as root when they are initialized, at most 64 KB, with C(#!) and the interpreter
                in its first line. An empty text means no script.
              - On an existing node group, the script is replaced. Only nodes that are created afterwards run the
                new script.
            type: str
          kubernetes_version:
            description:
              - Kubernetes version in the form that NKS uses, for example V(v1.32.3).
              - A new node group always gets the version of the control plane; the task fails if another one is
                set.
              - On an existing node group, another version is an upgrade to the version of the control plane, after
                the control plane has been upgraded to O(clusters[].kubernetes_version). A node group that is several
                minor versions behind is upgraded one minor version at a time, and can also be upgraded to one of
                the versions in between. A node group with stopped nodes cannot be upgraded.
            type: str
            aliases:
              - kube_tag
          autoscale:
            description:
              - Settings of the cluster autoscaler. Settings that you omit keep their current value; at creation
                NKS uses its defaults.
              - While the autoscaler is on, it decides the number of nodes, and this module never resizes the group.
                Any current number of nodes is accepted if O(clusters[].nodegroups[].node_count) is within the autoscaler's
                limits; otherwise the task fails.
            type: dict
            suboptions:
              enabled:
                description:
                  - Whether the cluster autoscaler is on for this node group.
                type: bool
                required: true
                aliases:
                  - ca_enable
              min_node_count:
                description:
                  - Smallest number of nodes.
                type: int
                aliases:
                  - ca_min_node_count
              max_node_count:
                description:
                  - Largest number of nodes.
                type: int
                aliases:
                  - ca_max_node_count
              scale_down_enabled:
                description:
                  - Whether the autoscaler also removes nodes.
                type: bool
                aliases:
                  - ca_scale_down_enable
              scale_down_unneeded_time:
                description:
                  - Minutes that a node must have been unneeded before it is removed, 1 to 1440.
                type: int
                aliases:
                  - ca_scale_down_unneeded_time
              scale_down_utilization_threshold:
                description:
                  - Utilization in percent, 1 to 100, below which a node counts as unneeded.
                type: int
                aliases:
                  - ca_scale_down_util_thresh
              scale_down_delay_after_add:
                description:
                  - Minutes without removals after a node was added, 10 to 1440.
                type: int
                aliases:
                  - ca_scale_down_delay_after_add
          labels:
            description:
              - Additional labels of the API, by name, for settings that have no option. They are sent as they are;
                a dictionary or list becomes JSON text.
              - The task fails on a label for which there is an option.
              - 'Cannot be changed after creation. A label is compared if NKS shows it: booleans in any case, JSON
                text by its content, and other texts exactly.'
            type: dict
          immutable:
            description:
              - What happens if an option differs from the current value and cannot be changed after creation.
              - With V(fail) the task fails before anything is changed, also in check mode, and names the option,
                its current value and the desired value.
              - With V(warn) the current value is kept and the module issues a warning.
            type: str
            default: fail
            choices:
              - fail
              - warn
          num_buffer_nodes:
            description:
              - Number of nodes added during an upgrade of a node group or a change of the flavor or of the CNI.
                They are billed. 0 is a valid value.
              - If it is not set, NKS uses 1.
            type: int
          num_max_unavailable_nodes:
            description:
              - Number of nodes that can be unavailable at the same time during an upgrade of a node group or a
                change of the flavor or of the CNI.
              - If it is not set, NKS uses 1.
            type: int
      ipacl:
        description:
          - IP access control of the Kubernetes API endpoint, with the options of M(nhncloud.nks.nks_ipacl). If
            it is not set, access control is unchanged.
        type: dict
        suboptions:
          state:
            description:
              - With V(present), access control is enforced with the O(clusters[].ipacl.targets).
              - With V(absent) and O(clusters[].ipacl.targets), the module removes these targets. Without O(clusters[].ipacl.targets),
                it disables access control.
            type: str
            default: present
            choices:
              - present
              - absent
          action:
            description:
              - Whether only the targets are allowed (V(allow)), or only the targets are blocked (V(deny)).
              - Required if access control is not enforced yet. Otherwise it keeps its current value.
              - To change it, set O(clusters[].ipacl.targets) too. The module never uses the current list for the
                other action.
              - With O(clusters[].ipacl.state=absent) and O(clusters[].ipacl.targets), the task fails if the current
                list is for the other action.
              - With V(deny), the targets must not overlap the subnet of the cluster.
            type: str
            choices:
              - allow
              - deny
          targets:
            description:
              - List of 1 to 100 addresses and networks.
              - Required if access control is not enforced yet, and to change O(clusters[].ipacl.action). Otherwise
                the current targets are unchanged.
            type: list
            elements: dict
            suboptions:
              cidr_address:
                description:
                  - An address, or a network in CIDR notation.
                type: str
                required: true
                aliases:
                  - cidr
              description:
                description:
                  - Description of the target. If it is not set, the current description is unchanged.
                type: str
          purge:
            description:
              - With V(true), the list contains exactly the O(clusters[].ipacl.targets).
              - With V(false), the module adds the O(clusters[].ipacl.targets) and keeps other targets. The task
                then fails if the current list is for the other O(clusters[].ipacl.action).
            type: bool
            default: true
          keep:
            description:
              - Addresses and networks that must not be blocked. If a change would block one of them, the task fails
                before it changes anything.
            type: list
            elements: str
      purge_nodegroups:
        description:
          - Whether node groups that O(clusters[].nodegroups) does not list are deleted, after all others have reached
            the desired state. With V(false), they are unchanged and returned as C(unmanaged), see RV(clusters[].unmanaged).
          - The default node group C(default-worker) is never deleted. Without O(clusters[].nodegroups), no node
            group is deleted.
        type: bool
        default: false
      upgrade:
        description:
          - Scope of an upgrade of O(clusters[].kubernetes_version).
          - With V(control_plane), the module upgrades the control plane by one step, to the same or the next minor
            version. The task fails before any step if more steps are needed, or if a node group is older than the
            control plane.
          - With V(all), the module also upgrades the node groups, including those that an earlier run did not upgrade.
            It upgrades one minor version at a time. In check mode, RV(actions) lists every step.
          - With V(never), a different version results only in a warning.
        type: str
        default: control_plane
        choices:
          - control_plane
          - all
          - never
      immutable:
        description:
          - What happens if an option differs from the current value and cannot be changed after creation.
          - With V(fail) the task fails before anything is changed, also in check mode, and names the option, its
            current value and the desired value.
          - With V(warn) the current value is kept and the module issues a warning.
        type: str
        default: fail
        choices:
          - fail
          - warn
      num_buffer_nodes:
        description:
          - Number of nodes added during an upgrade of a node group or a change of the flavor or of the CNI. They
            are billed. 0 is a valid value.
          - If it is not set, NKS uses 1.
        type: int
      num_max_unavailable_nodes:
        description:
          - Number of nodes that can be unavailable at the same time during an upgrade of a node group or a change
            of the flavor or of the CNI.
          - If it is not set, NKS uses 1.
        type: int
"""
