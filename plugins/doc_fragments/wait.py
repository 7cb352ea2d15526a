# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The waiting options of all modules that change something."""

from __future__ import annotations


class ModuleDocFragment:
    NODES = r"""
options:
  wait_for_nodes:
    description:
      - Whether the module also waits until the nodes are ready for Kubernetes, as far as NKS shows it in C(health_status_reason) of the cluster.
        It needs no access to the Kubernetes API. Stopped nodes do not count.
      - The module waits after its operations, and also if nothing has to change. Waiting is not a change. It does not wait in check mode
        and with C(state=absent).
      - O(wait_timeout) applies to this wait separately. If it is exceeded, the task fails and reports the node groups whose nodes are not
        ready, with the numbers and the status that NKS shows. If NKS shows no health, or only outdated data, the failure reports that.
      - NKS collects the health at intervals. After an operation the module waits for data that was collected after its end, which can take
        some minutes.
      - It cannot be combined with O(wait=false).
    type: bool
    default: false
"""

    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether the module waits until the operation has ended and NKS shows the result.
      - With V(false), the module returns when NKS has accepted the request. It polls for a few seconds to confirm. If a task has several
        operations, the module still waits for all of them except the last one.
      - If another operation on the resource is in progress, the module waits for it to finish before comparing, regardless of who started it.
        With V(false), the task fails in this case.
    type: bool
    default: true
  wait_timeout:
    description:
      - Time limit for one operation, in seconds. A task with several operations can take longer.
      - It also limits how long failed requests are repeated, see O(max_retries).
      - The default is 3600, or 1800 with C(state=absent).
      - If the time limit is exceeded, the task fails, but the operation is still running. Run the task again to resume waiting.
    type: int
  wait_interval:
    description:
      - Interval between two reads of the resource while waiting, in seconds.
    type: float
    default: 10.0
notes:
  - If an operation fails or exceeds the time limit, the failed result contains C(status) and C(status_reason) of the resource and C(event), the
    last failed event of its task history, if NKS returns them.
"""
