"""Runs CPython's tests of its module sqlite3, in the current directory.

    run_tests.py TEST_DIR OUTCOMES

TEST_DIR is test/test_sqlite3 of CPython's source, whose version is that of
the running Python. OUTCOMES gets one line a test: its name, a tab, and ok,
failed or skipped. With HOST_MODULE (see preload.c) an actor is deleted where a
test unlinks the file that it takes it for.
"""

import os
import sqlite3
import sys
import test
import unittest

BAD = "failed"

os_unlink = os.unlink


def unlink(path, **kwargs):
    """os.unlink() that knows actors."""
    try:
        os_unlink(path, **kwargs)
    except FileNotFoundError:
        store, actor = os.path.split(os.path.abspath(os.fspath(path)))
        if not os.path.exists(os.path.join(store, "actorkv.format")):
            raise
        db = sqlite3.connect("")
        try:
            db.execute("SELECT actorkv_delete(?)", (store + "/" + actor,))
        except sqlite3.Error:
            raise FileNotFoundError(path) from None
        finally:
            db.close()


class Outcomes(unittest.TextTestResult):
    """Keeps what came of each test; a part that failed fails the whole."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.of = {}

    def note(self, case, outcome):
        name = case.id().partition("test_sqlite3.")[2] or case.id()
        if self.of.get(name) != BAD:
            self.of[name] = outcome

    def addSuccess(self, case):
        super().addSuccess(case)
        self.note(case, "ok")

    def addFailure(self, case, error):
        super().addFailure(case, error)
        self.note(case, BAD)

    def addError(self, case, error):
        super().addError(case, error)
        self.note(case, BAD)

    def addSkip(self, case, reason):
        super().addSkip(case, reason)
        self.note(case, "skipped")

    def addSubTest(self, case, part, error):
        super().addSubTest(case, part, error)
        if error is not None:
            self.note(case, BAD)

    def addExpectedFailure(self, case, error):
        super().addExpectedFailure(case, error)
        self.note(case, "ok")

    def addUnexpectedSuccess(self, case):
        super().addUnexpectedSuccess(case)
        self.note(case, BAD)


def main():
    directory, outcomes = sys.argv[1:]
    if "HOST_MODULE" in os.environ:
        os.unlink = unlink  # before test.support takes it
    test.__path__.append(os.path.dirname(directory))
    names = sorted(name[:-3] for name in os.listdir(directory)
                   if name.startswith("test_") and name.endswith(".py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(
        ["test.test_sqlite3." + name for name in names])
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Outcomes)
    result = runner.run(suite)
    with open(outcomes, "w", encoding="utf-8") as file:
        for name, outcome in sorted(result.of.items()):
            print(name, outcome, sep="\t", file=file)


if __name__ == "__main__":
    main()
