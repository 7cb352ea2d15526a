# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Concurrent reads: what runs at the same time, in which order answers and errors come, and what an interruption leaves."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.nhncloud.nks.plugins.module_utils._observe.pool import Pool


@pytest.fixture
def pool():
    made = Pool(4)
    yield made
    made.close()


class Meeting:
    """Calls that end only once all of them run at the same time."""

    def __init__(self, count):
        self.barrier = threading.Barrier(count, timeout=30)

    def __call__(self):
        self.barrier.wait()
        return threading.get_ident()


def fail(text):
    raise ValueError(text)


def test_calls_run_concurrently_with_one_in_the_callers_thread(pool):
    meeting = Meeting(4)
    threads = pool.gather(meeting, meeting, meeting, meeting)
    assert len(set(threads)) == 4 and threads[0] == threading.get_ident()


def test_single_call_starts_no_thread(pool):
    assert pool.gather(threading.get_ident) == [threading.get_ident()]
    assert not pool._threads


def test_results_are_in_call_order(pool):
    last = threading.Event()

    def first():
        assert last.wait(30)
        return "first"

    def second():
        last.set()
        return "second"

    assert pool.gather(first, second) == ["first", "second"]


def test_error_of_the_first_call_in_order_is_raised(pool):
    failed = threading.Event()

    def late():
        assert failed.wait(30)
        fail("first")

    def early():
        failed.set()
        fail("second")

    with pytest.raises(ValueError, match="first"):
        pool.gather(late, early)


def test_all_calls_finish_before_an_error_is_raised(pool):
    ended = []
    with pytest.raises(ValueError):
        pool.gather(lambda: fail("no"), lambda: ended.append(1), lambda: ended.append(2))
    assert sorted(ended) == [1, 2]


def test_no_more_threads_than_workers_are_started():
    pool = Pool(2)
    assert pool.gather(*[lambda: 1] * 20) == [1] * 20
    assert len(pool._threads) == 2
    pool.close()


def test_handlers_run_in_the_callers_thread_and_can_add_calls(pool):
    handled = []

    def then(pending, depth):
        handled.append((pending.result(), depth, threading.get_ident()))
        if depth < 3:
            pool.ask(lambda: depth + 1, then, depth + 1)

    pool.ask(lambda: 0, then, 0)
    pool.run()
    assert handled == [(number, number, threading.get_ident()) for number in range(4)]


def test_error_of_a_call_reaches_its_handler(pool):
    seen = []

    def then(pending):
        with pytest.raises(ValueError, match="no"):
            pending.result()
        seen.append(True)

    pool.ask(lambda: fail("no"), then)
    pool.run()
    assert seen == [True]


def test_close_drops_pending_calls_and_ends_the_threads():
    pool, release, begun = Pool(1), threading.Event(), threading.Event()
    late = []

    def block():
        begun.set()
        release.wait(30)

    pool.submit(block)
    assert begun.wait(30)
    pool.submit(lambda: late.append(1))
    (thread,) = pool._threads
    pool.close()
    release.set()
    thread.join(30)
    assert not thread.is_alive() and not late


@pytest.mark.parametrize("how", ["gather", "run"])
def test_interrupted_caller_does_not_wait_for_hanging_calls(how):
    pool, begun, release, ended = Pool(2), threading.Event(), threading.Event(), threading.Event()

    def hang():
        begun.set()
        release.wait(30)
        ended.set()

    def interrupt(_pending=None):
        assert begun.wait(30)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        if how == "gather":
            pool.gather(interrupt, hang)
        else:
            pool.ask(hang, fail)
            pool.ask(begun.wait, interrupt)
            pool.run()
    assert not ended.is_set()
    pool.close()
    release.set()
    assert ended.wait(30)


def test_interrupt_in_a_thread_is_raised_to_the_caller(pool):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.gather(lambda: 1, interrupt)


def test_close_with_wait_ends_all_threads():
    pool = Pool(2)
    pool.gather(lambda: 1, lambda: 2, lambda: 3)
    threads = list(pool._threads)
    pool.close(wait=True)
    assert threads and not any(thread.is_alive() for thread in threads)


def test_threads_are_daemons():
    pool, release = Pool(1), threading.Event()
    pool.submit(lambda: release.wait(30))
    assert all(thread.daemon for thread in pool._threads)
    release.set()
    pool.close()
