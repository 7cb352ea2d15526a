#!/usr/bin/python
# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nks_certificate
short_description: Renew certificates of NHN Kubernetes Service (NKS) clusters
version_added: "0.1.0"
description:
  - Renews the certificate of a cluster when it is about to expire, or when told to.
  - After a renewal older kubeconfigs do not work any more, and components of the cluster are restarted.
    Write new kubeconfigs with M(nhncloud.nks.nks_kubeconfig).
  - After a failed renewal the cluster is in C(UPDATE_FAILED) and takes no other change until a renewal succeeds. This module then renews again,
    however long the certificate is still valid.
  - The service renews certificates only of clusters with Kubernetes 1.24 or newer and Calico-VXLAN.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.wait
  - nhncloud.nks.attributes
  - nhncloud.nks.attributes.actiongroup_nks
options:
  cluster:
    description:
      - Name or UUID of the cluster.
    type: str
    required: true
  term_of_validity:
    description:
      - Validity of the new certificate in years, 1 to 5. Another term alone is no reason to renew.
    type: int
    default: 5
  renew_before_days:
    description:
      - The certificate is renewed when fewer days than these are left.
    type: int
    default: 30
  force:
    description:
      - Whether the certificate is renewed however long it is still valid. Every run of such a task is a change.
    type: bool
    default: false
attributes:
  idempotent:
    support: partial
    details:
      - With O(force=true) the certificate is renewed at every run.
seealso:
  - module: nhncloud.nks.nks_kubeconfig
  - name: Kubeconfigs
    description: A guide to kubeconfigs and certificates.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/kubeconfigs.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# The credentials are in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Renew the certificate when fewer than 60 days are left
  nhncloud.nks.nks_certificate:
    cluster: demo
    renew_before_days: 60
  register: renewal

- name: Renew the certificate now, for three years
  nhncloud.nks.nks_certificate:
    cluster: demo
    term_of_validity: 3
    force: true
"""

RETURN = r"""
certificate:
  description:
    - The certificate as it is at the end of the task. In check mode, as it is.
  returned: success
  type: dict
  contains:
    expiry:
      description:
        - Time when it expires. V(none) where the service does not tell.
      type: str
      sample: "2031-10-06T07:43:17+00:00"
    days_left:
      description:
        - Whole days until then. V(none) where the service does not tell.
      type: int
      sample: 1778
    term_of_validity:
      description:
        - Its validity in years. V(none) where the service does not tell.
      type: int
      sample: 5
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
      sample: renew_certificate
    resource:
      description:
        - What it was done to.
      type: str
      sample: cluster/demo
    changes:
      description:
        - For each option that changes, its value C(before) and C(after). Secrets are masked.
      type: dict
      sample:
        expiry:
          before: "2026-12-14T07:43:17+00:00"
          after: 5 years from now
        term_of_validity:
          before: 5
          after: 5
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as door
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.certificate import JOB


def main():
    door.main(JOB)


if __name__ == "__main__":
    main()
