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
  - Gets the kubeconfig of a cluster and writes it to a file, alone or among the entries of an existing kubeconfig.
  - The file is written atomically and is never readable by more users than O(mode) says. Files are compared by their meaning, so that
    another order or form is no change, and a renewed certificate is one.
  - While the module reads and writes the file, it holds the lock file that kubectl uses (O(dest) with C(.lock) added), so that several tasks
    and C(kubectl config) can change one file at the same time.
  - Of the kubeconfig that the service returns, only the server, the certificates and the key are used. One with other fields, such as
    C(exec), is refused.
  - The difference in diff mode names what changes and never shows key material.
  - Anyone who has the kubeconfig is an administrator of the cluster.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.wait
  - nhncloud.nks.attributes
  - nhncloud.nks.attributes.actiongroup_nks
options:
  cluster:
    description:
      - Name or UUID of the cluster. With O(state=absent) the cluster need not be there any more.
    type: str
    required: true
  state:
    description:
      - With V(present) the kubeconfig is in the file.
      - With V(absent) the file is deleted, or with O(merge=true) the cluster's entries are taken out of it. No request is made and no
        credentials are needed, unless O(cluster) is a UUID and O(context) is not set.
    type: str
    choices:
      - present
      - absent
    default: present
  dest:
    description:
      - Path of the file. Its directory must exist. Needed unless O(return_content=true).
      - On a local connection a relative path starts in the directory of the playbook, as for M(ansible.builtin.copy).
    type: path
  mode:
    description:
      - Permissions of the file, as a quoted octal number or in symbolic form. Those of an existing file are corrected.
    type: raw
    default: "0600"
  owner:
    description:
      - Name or ID of the user who owns the file. That of an existing file is corrected.
    type: str
  group:
    description:
      - Name or ID of the group that owns the file. That of an existing file is corrected.
    type: str
  backup:
    description:
      - Whether an existing file is kept under another name, which tells the time, before its content changes.
    type: bool
    default: false
  merge:
    description:
      - Whether the entries of the cluster are put into an existing kubeconfig, or with O(state=absent) taken out of it.
        All other entries are left alone.
      - With V(false) the file holds this one cluster only, see O(force).
    type: bool
    default: false
  force:
    description:
      - Whether a file is replaced or deleted, with O(merge=false), even if it is not a kubeconfig or has entries of others.
      - With V(false) the task fails for such a file, in check mode too. The cluster's own entries are those named O(context), and with
        O(state=present) those of a file that this module has written for the same cluster under another name.
    type: bool
    default: false
  context:
    description:
      - Name of the context, of the cluster entry and of the user entry. If it is not set, it is the cluster's name.
    type: str
  set_current_context:
    description:
      - Whether the context becomes the current one of the file.
    type: bool
    default: true
  return_content:
    description:
      - Whether the kubeconfig is returned as RV(kubeconfig). It is a secret, so set C(no_log) on such a task.
    type: bool
    default: false
  unsafe_writes:
    description:
      - Whether a file that cannot be replaced is written in place, for example a file that is mounted into a container.
      - While a file is written in place it is incomplete, and stays so if the task is interrupted.
      - The environment variable E(ANSIBLE_UNSAFE_WRITES) is used when this option is not set.
    type: bool
    default: false
requirements:
  - PyYAML
notes:
  - A renewal of the cluster's certificate makes older kubeconfigs invalid. Run this module again after it.
  - With O(state=absent) the cluster's entries are those named O(context). If O(context) is not set and O(cluster) is a UUID, the
    cluster must still be there to tell its name.
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
# The credentials are in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Write a kubeconfig that holds this cluster only
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    dest: ~/.kube/demo.yml

- name: Put the cluster into one's own kubeconfig, and keep the present context
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    dest: ~/.kube/config
    merge: true
    backup: true
    set_current_context: false

- name: Get the kubeconfig without a file
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    return_content: true
  no_log: true
  register: access

- name: Take the cluster out of one's own kubeconfig
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    dest: ~/.kube/config
    merge: true
    state: absent

- name: Delete the file of this cluster
  nhncloud.nks.nks_kubeconfig:
    cluster: demo
    dest: ~/.kube/demo.yml
    state: absent
"""

RETURN = r"""
path:
  description:
    - Path of the file, V(none) when O(dest) is not given.
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
    - Path of the copy of the former file.
  returned: when O(backup=true) and the content of an existing file changed
  type: str
  sample: /home/me/.kube/config.4242.2026-11-23@10:15:00~
kubeconfig:
  description:
    - The kubeconfig itself, with its keys.
  returned: when O(return_content=true)
  type: str
  sample: "apiVersion: v1\nkind: Config\n"
actions:
  description:
    - What was done (in check mode, what would be done), in this order. Empty when nothing changes.
  returned: success
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
        - What it was done to.
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
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as door
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.kubeconfig import JOB


def main():
    door.main(JOB)


if __name__ == "__main__":
    main()
