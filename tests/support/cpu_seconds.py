"""Measures the CPU seconds of each test, lists the slowest and warns of those above the limit.

A test's own seconds are those of its setup and call, in this process and in the child processes
that it waited for. What fixtures of a wider scope take is counted apart: which test pays it is
chance. With STRICT=1 a test above the limit that is in no slow group is an error; SLOWEST=100
lists more tests.
"""

import os

import pytest

LIMIT = 3.0
LISTED = int(os.environ.get("SLOWEST", 15))
KEY = pytest.StashKey()


def cpu():
    """Returns the CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


class CPUSeconds:
    """Takes the times where the tests run, and prints them where the report is made."""

    def __init__(self):
        self.now = None  # the test that runs
        self.depth = 0
        self.tests, self.fixtures = {}, {}
        self.slow = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        item.stash[KEY] = {"own": 0.0, "fixtures": []}
        self.now = item
        return (yield from self._timed(item))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        return (yield from self._timed(item))

    def pytest_runtest_teardown(self, item):
        taken = item.stash.get(KEY, None)
        if taken is not None:
            slow = item.get_closest_marker("slow") is not None
            item.user_properties.append(("cpu_seconds", (taken["own"], slow, taken["fixtures"])))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        if fixturedef.scope == "function" or self.depth or self.now is None:
            return (yield)
        before, self.depth = cpu(), 1
        try:
            return (yield)
        finally:
            self.depth = 0
            seconds = cpu() - before
            taken = self.now.stash[KEY]
            taken["own"] -= seconds
            taken["fixtures"].append((f"{fixturedef.baseid}::{fixturedef.argname}", seconds))

    def pytest_runtest_logreport(self, report):
        if report.when != "teardown":
            return
        for own, slow, fixtures in (v for k, v in report.user_properties if k == "cpu_seconds"):
            self.tests[report.nodeid] = own
            if slow:
                self.slow.add(report.nodeid)
            for name, seconds in fixtures:
                self.fixtures.setdefault(name, []).append(seconds)

    def pytest_sessionfinish(self, session):
        if self.above and os.environ.get("STRICT") == "1" and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if not self.tests:
            return
        line = terminalreporter.write_line
        total, shared = sum(self.tests.values()), sum(map(sum, self.fixtures.values()))
        terminalreporter.section("CPU seconds")
        line(f"{total:.0f} in {len(self.tests)} tests, {shared:.0f} in shared fixtures.")
        for name in sorted(self.tests, key=self.tests.get, reverse=True)[:LISTED]:
            line(f"{self.tests[name]:7.1f}  {name}")
        for name, times in sorted(self.fixtures.items(), key=lambda pair: -sum(pair[1])):
            if sum(times) > LIMIT:
                line(f"{sum(times):7.1f}  {name} (fixture, made {len(times)} times)")
        if self.above:
            terminalreporter.section(f"above {LIMIT:.0f} CPU seconds, in no slow group", sep="!")
            for name in self.above:
                line(f"{self.tests[name]:7.1f}  {name}")
            line("Make them smaller, or mark their group: tests/README.md")

    @property
    def above(self):
        """Names of the tests that break the rule, the slowest first."""
        names = [n for n, s in self.tests.items() if s > LIMIT and n not in self.slow]
        return sorted(names, key=self.tests.get, reverse=True)

    def _timed(self, item):
        before = cpu()
        try:
            return (yield)
        finally:
            item.stash[KEY]["own"] += cpu() - before


def pytest_configure(config):
    config.pluginmanager.register(CPUSeconds(), "CPU seconds of tests")
