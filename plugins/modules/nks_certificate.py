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
  - Renews the certificate of a cluster if it expires soon, or with O(force=true).
  - Renewing the certificate invalidates all existing kubeconfig files and restarts components of the cluster.
    Write new kubeconfig files with M(nhncloud.nks.nks_kubeconfig).
  - After a failed renewal the cluster is in C(UPDATE_FAILED), and NKS rejects other changes until a renewal succeeds. This module then renews
    the certificate again, regardless of its expiry date.
  - NKS renews certificates only for clusters with Kubernetes 1.24 or newer and Calico-VXLAN or Cilium.
extends_documentation_fragment:
  - nhncloud.nks.auth
  - nhncloud.nks.wait
  - nhncloud.nks.plan
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
      - Validity of the new certificate in years, 1 to 5. A different value alone does not cause a renewal.
    type: int
    default: 5
  renew_before_days:
    description:
      - The module renews the certificate if it expires in fewer days than this.
    type: int
    default: 30
  force:
    description:
      - Whether the module renews the certificate regardless of its expiry date. Each run then reports a change.
    type: bool
    default: false
attributes:
  idempotent:
    support: partial
    details:
      - With O(force=true), each run renews the certificate.
seealso:
  - module: nhncloud.nks.nks_kubeconfig
  - name: Kubeconfigs
    description: A guide to kubeconfigs and certificates.
    link: https://github.com/nhncloud-nks/nhncloud.nks/blob/main/docs/kubeconfigs.md
author:
  - nhncloud.nks contributors (@nhncloud-nks)
"""

EXAMPLES = r"""
# Set the credentials in the environment: NHNCLOUD_REGION, NHNCLOUD_TENANT_ID, NHNCLOUD_USERNAME, NHNCLOUD_PASSWORD

- name: Renew the certificate if it expires within 60 days
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
    - The certificate at the end of the task. In check mode, the current certificate.
  returned: success
  type: dict
  contains:
    expiry:
      description:
        - Time when the certificate expires. V(none) if NKS does not return it.
      type: str
      sample: "2031-10-06T07:43:17+00:00"
    days_left:
      description:
        - Whole days until the certificate expires. V(none) if NKS does not return the time.
      type: int
      sample: 1778
    term_of_validity:
      description:
        - Validity of the certificate in years. V(none) if NKS does not return it.
      type: int
      sample: 5
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
      sample: renew_certificate
    resource:
      description:
        - Resource that the action changes.
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
plan_digest:
  description:
    - Digest of RV(actions) (64 hexadecimal digits), the same in check mode and in a normal run. See O(expect_plan).
    - It is the SHA-256 of the JSON of RV(actions) with sorted keys and without white space.
  returned: success, and if the plan is not the one of O(expect_plan)
  type: str
  sample: 774ac7f8692258bb54dd9326e262ed4ad2412c5a22509c44874b451f696d608b
"""

from ansible_collections.nhncloud.nks.plugins.module_utils._entry import module as entry
from ansible_collections.nhncloud.nks.plugins.module_utils._tasks.certificate import JOB


def main() -> None:
    entry.main(JOB)


if __name__ == "__main__":
    main()
