#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_kubeconfig
short_description: Write kubeconfig files of NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Gets the kubeconfig of a cluster and writes it to a file, or merges it into an existing kubeconfig.
  - The module writes the file atomically and with the permissions in O(mode) from the start. It compares the content of the file, so a different
    order or formatting does not count as a change, and a renewed certificate does.
  - While the module reads and writes the file, it holds the lock file that kubectl uses (O(dest) with C(.lock) added), so that several tasks
    and C(kubectl config) can change one file at the same time.
  - The module uses only the server, the certificates and the key of the kubeconfig that NKS returns. If it has other fields, such as
    C(exec), the task fails.
  - In diff mode, the diff lists the changes and never shows key material.
  - Anyone who has the kubeconfig has administrator access to the cluster.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.wait
  - nhncloud.nks.plan
  - nhncloud.nks.attributes
  - nhncloud.nks.attributes.actiongroup_nks
options:
  cluster:
    description:
      - Name or UUID of the cluster. With O(state=absent), the cluster does not have to exist.
    type: str
    required: true
  state:
    description:
      - With V(present), the module writes the kubeconfig to the file.
      - With V(absent), the module deletes the file, or with O(merge=true) removes the entries of the cluster from it. This requires no requests
        and no credentials, unless O(cluster) is a UUID and O(context) is not set.
    type: str
    choices:
      - present
      - absent
    default: present
  dest:
    description:
      - Path of the file. Its directory must exist. Required unless O(return_content=true).
      - On a local connection a relative path starts in the directory of the playbook, as for M(ansible.builtin.copy).
    type: path
  mode:
    description:
      - Permissions of the file, as a quoted octal number or in symbolic form. The module also corrects an existing file.
    type: raw
    default: "0600"
  owner:
    description:
      - Name or ID of the user who owns the file. The module also corrects an existing file.
    type: str
  group:
    description:
      - Name or ID of the group that owns the file. The module also corrects an existing file.
    type: str
  backup:
    description:
      - Whether the module creates a backup of an existing file, with a timestamp in its name, before its content changes.
    type: bool
    default: false
  merge:
    description:
      - Whether the module adds the entries of the cluster to an existing kubeconfig, or with O(state=absent) removes them.
        All other entries are unchanged.
      - With V(false), the file contains only this cluster, see O(force).
    type: bool
    default: false
  force:
    description:
      - Whether the module, with O(merge=false), replaces or deletes a file that is not a kubeconfig or has entries of other clusters.
      - With V(false), the task fails for such a file, in check mode too. The entries of the cluster are those named O(context), and with
        O(state=present) also those that this module has written for the same cluster under another name.
    type: bool
    default: false
  context:
    description:
      - Name of the context, of the cluster entry and of the user entry. If it is not set, the name of the cluster is used.
    type: str
  set_current_context:
    description:
      - Whether the context becomes the current context of the file.
    type: bool
    default: true
  return_content:
    description:
      - Whether the module returns the kubeconfig as RV(kubeconfig). It is a secret, so set C(no_log) on such a task.
    type: bool
    default: false
  unsafe_writes:
    description:
      - Whether the module writes a file in place if it cannot be replaced, for example a file that is mounted into a container.
      - A file that is written in place is incomplete until the write ends, and stays incomplete if the task is interrupted.
      - The environment variable E(ANSIBLE_UNSAFE_WRITES) is used when this option is not set.
    type: bool
    default: false
requirements:
  - PyYAML
notes:
  - Renewing the certificate of the cluster invalidates existing kubeconfig files. Run this module again afterwards.
  - With O(state=absent), the entries of the cluster are those named O(context). If O(context) is not set and O(cluster) is a UUID, the
    cluster must still exist, because the module looks up its name.
seealso:
  - module: nhncloud.nks.nks_cluster
  - module: kubernetes.core.k8s
  - name: Kubeconfigs
    description: A guide to kubeconfigs and certificates.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/kubeconfigs.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
attributes:
  safe_file_operations:
    description: Uses Ansible's strict file operation functions to ensure proper permissions and avoid data corruption.
    support: full
    details:
      - The file is replaced atomically, and is created with its final permissions. See also O(unsafe_writes).
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Write a kubeconfig that contains only this cluster
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    dest: ~/.kube/demo.yml

- name: Merge the cluster into your kubeconfig, and keep the current context
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    dest: ~/.kube/config
    merge: true
    backup: true
    set_current_context: false

- name: Return the kubeconfig without writing a file
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    return_content: true
  no_log: true
  register: access

- name: Remove the cluster from your kubeconfig
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    dest: ~/.kube/config
    merge: true
    state: absent

- name: Delete the kubeconfig file of the cluster
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    dest: ~/.kube/demo.yml
    state: absent
"""

RETURN = r"""
path:
  description:
    - Path of the file. V(none) if O(dest) is not set.
  returned: success
  type: str
  sample: /home/me/.kube/demo.yml
context:
  description:
    - Name of the context, of the cluster entry and of the user entry.
  returned: success
  type: str
  sample: demo
server:
  description:
    - URL of the Kubernetes API endpoint. V(none) with O(state=absent).
  returned: success
  type: str
  sample: https://2b778d83-nks-kr1.container.nhncloud.com:6443
certificate_expiry:
  description:
    - Time when the client certificate expires, UTC. V(none) with O(state=absent).
  returned: success
  type: str
  sample: "2031-10-06T07:43:17+00:00"
backup_file:
  description:
    - Path of the backup of the previous file.
  returned: when O(backup=true) and the content of an existing file changed
  type: str
  sample: /home/me/.kube/config.4242.2026-11-23@10:15:00~
kubeconfig:
  description:
    - The kubeconfig, including its keys.
  returned: when O(return_content=true)
  type: str
  sample: "apiVersion: v1\nkind: Config\n"
actions:
  description:
    - The changes, in this order (in check mode, the changes that would be made). Empty if nothing changes.
  returned: success, and if the plan is not the one of O(expect_plan)
  type: list
  elements: dict
  contains:
    action:
      description:
        - Name of the action.
      type: str
      sample: write
    resource:
      description:
        - Resource that the action changes.
      type: str
      sample: file//home/me/.kube/demo.yml
    changes:
      description:
        - For each option that changes, its value C(before) and C(after). Secrets are masked.
      type: dict
      sample:
        mode:
          before: "0644"
          after: "0600"
plan_digest:
  description:
    - Digest of RV(actions) (64 hexadecimal digits), the same in check mode and in a normal run. See O(expect_plan).
    - It is the SHA-256 of the JSON of RV(actions) with sorted keys and without white space.
  returned: success, and if the plan is not the one of O(expect_plan)
  type: str
  sample: 1bb93c08c82c01779659fac626f6019bc97544eef3cfd7137cdd56df720fdc75
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.kubeconfig import JOB


def main() -> None:
    entry.main(JOB)


if __name__ == "__main__":
    main()
