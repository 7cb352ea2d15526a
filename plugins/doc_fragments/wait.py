# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The waiting options of all modules that change something."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether the task waits until the operation has ended and its outcome can be seen.
      - With V(false) it returns as soon as the service has accepted the request and shows that it has, for which it looks for some
        seconds at most. Of several operations only the last one is not waited for.
      - A resource that is busy, whoever made it so, is waited for before it is compared. With V(false) that is a failure instead.
    type: bool
    default: true
  wait_timeout:
    description:
      - Time limit for one operation, in seconds. A task of several operations may take longer.
      - It also ends the repetition of requests that go wrong, see O(max_retries).
      - If it is not set, it is 3600, and 1800 with C(state=absent).
      - When the time is over the task fails, but the operation goes on. The same task can be run again and picks up from there.
    type: int
  wait_interval:
    description:
      - Pause between two looks at the resource, in seconds.
    type: float
    default: 10.0
notes:
  - When a wait ends badly, the failed result has the keys C(status) and C(status_reason) of the resource and, as C(event), the newest
    failed entry of its task history, where the service tells them.
"""
