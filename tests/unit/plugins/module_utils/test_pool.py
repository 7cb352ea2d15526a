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


def test_calls_of_one_level_run_at_the_same_time_and_one_of_them_in_the_callers_thread(pool):
    meeting = Meeting(4)
    threads = pool.gather(meeting, meeting, meeting, meeting)
    assert len(set(threads)) == 4 and threads[0] == threading.get_ident()


def test_a_single_call_needs_no_thread(pool):
    assert pool.gather(threading.get_ident) == [threading.get_ident()]
    assert not pool._threads


def test_answers_are_in_the_order_of_the_calls_whichever_comes_first(pool):
    last = threading.Event()

    def first():
        assert last.wait(30)
        return "first"

    def second():
        last.set()
        return "second"

    assert pool.gather(first, second) == ["first", "second"]


def test_the_error_of_the_first_call_is_raised_whichever_fails_first(pool):
    failed = threading.Event()

    def late():
        assert failed.wait(30)
        fail("first")

    def early():
        failed.set()
        fail("second")

    with pytest.raises(ValueError, match="first"):
        pool.gather(late, early)


def test_all_calls_have_ended_when_one_of_them_has_failed(pool):
    ended = []
    with pytest.raises(ValueError):
        pool.gather(lambda: fail("no"), lambda: ended.append(1), lambda: ended.append(2))
    assert sorted(ended) == [1, 2]


def test_no_more_threads_than_workers_are_started():
    pool = Pool(2)
    assert pool.gather(*[lambda: 1] * 20) == [1] * 20
    assert len(pool._threads) == 2
    pool.close()


def test_answers_are_handled_in_the_callers_thread_and_may_ask_more(pool):
    handled = []

    def then(pending, depth):
        handled.append((pending.result(), depth, threading.get_ident()))
        if depth < 3:
            pool.ask(lambda: depth + 1, then, depth + 1)

    pool.ask(lambda: 0, then, 0)
    pool.run()
    assert handled == [(number, number, threading.get_ident()) for number in range(4)]


def test_an_error_of_a_call_reaches_its_handler(pool):
    seen = []

    def then(pending):
        with pytest.raises(ValueError, match="no"):
            pending.result()
        seen.append(True)

    pool.ask(lambda: fail("no"), then)
    pool.run()
    assert seen == [True]


def test_calls_that_have_not_begun_are_dropped_at_the_end_and_the_threads_end():
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
def test_an_interruption_of_the_caller_does_not_wait_for_calls_that_hang(how):
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


def test_an_interruption_in_a_thread_is_raised_by_its_result(pool):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.gather(lambda: 1, interrupt)


def test_a_closed_pool_has_no_threads_if_it_waits_for_them():
    pool = Pool(2)
    pool.gather(lambda: 1, lambda: 2, lambda: 3)
    threads = list(pool._threads)
    pool.close(wait=True)
    assert threads and not any(thread.is_alive() for thread in threads)


def test_the_threads_do_not_keep_the_process_alive():
    pool, release = Pool(1), threading.Event()
    pool.submit(lambda: release.wait(30))
    assert all(thread.daemon for thread in pool._threads)
    release.set()
    pool.close()
