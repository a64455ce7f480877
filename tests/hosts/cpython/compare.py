"""Compares what came of tests on files and on actors with what is expected.

    compare.py FILES ACTORS EXPECTED ACTOR_COUNT

FILES and ACTORS are outcomes of run_tests.py. A line of EXPECTED is where a
test fails (`actors`, or `both` as the databases are files), its name and the
reason, with tabs between. Exits 1 on any other failure, on an expected one
that did not come, on a test that one side did not run, and when fewer tests
ran, or fewer actors were made of them, than could be true.
"""

import sys

LEAST_TESTS = 400
LEAST_ACTORS = 250


def outcomes(path):
    with open(path, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split("\t") for line in file)


def expectations(path):
    found = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 3 or fields[0] not in ("actors", "both"):
                sys.exit(f"{path}:{number}: write WHERE, TEST, REASON")
            found[fields[1]] = fields[0]
    return found


def wanted(where, on_files):
    """What is to come of a test on files and on actors."""
    if where == "both":
        return "failed", "failed"
    if where == "actors":
        return "ok", "failed"
    fine = "skipped" if on_files == "skipped" else "ok"
    return fine, fine


def problems(files, actors, expected):
    """Yields what is not as expected."""
    for name in sorted(files.keys() | actors.keys() | expected.keys()):
        came = files.get(name, "not run"), actors.get(name, "not run")
        want = wanted(expected.get(name), came[0])
        if came != want:
            yield (f"{name}: {came[0]} on files, {came[1]} on actors; "
                   f"expected {want[0]} and {want[1]}")


def main():
    files, actors = outcomes(sys.argv[1]), outcomes(sys.argv[2])
    expected = expectations(sys.argv[3])
    actor_count = int(sys.argv[4])
    found = list(problems(files, actors, expected))
    if len(actors) < LEAST_TESTS:
        found.append(f"only {len(actors)} tests ran")
    if actor_count < LEAST_ACTORS:
        found.append(f"only {actor_count} databases were actors")
    for text in found:
        print(text)
    ok = sum(outcome == "ok" for outcome in actors.values())
    print(f"{len(actors)} tests, {ok} ok on actors ({actor_count} of them), "
          f"{len(expected)} expected failures, {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
