#!/usr/bin/env python3
"""Shows what a run of the benchmarks wrote (format: results_json.cc).

    report.py plots JSON DIRECTORY   draws DIRECTORY/ratios.svg and
                                     DIRECTORY/writes.svg with gnuplot
    report.py readme JSON README     the same beside README, and its table
                                     between <!-- numbers --> and
                                     <!-- end of numbers -->
    report.py gate JSON BASELINE COMMAND...
                                     fails when a ratio is more than a fifth
                                     below that of BASELINE

    report.py self-test              of the gate and the numbers

What looks lost to the gate is measured again, with COMMAND and a filter; only
what is lost in both runs counts. Only Python's own library is used.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

BEGIN = "<!-- numbers -->"
END = "<!-- end of numbers -->"
SIDES = ("unix_wal", "unix_delete", "actorkv")
MAX_LOSS = 0.2


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        sys.exit("report.py: no %s: run make bench first, and make "
                 "bench-report for a baseline" % path)


def short(value):
    """As ShortText() of results.cc."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    for unit, text in ((1e6, "M"), (1e3, "k")):
        if value >= 100 * unit:
            return "%.0f%s" % (value / unit, text)
        if value >= 10 * unit or (text == "M" and value >= unit):
            return "%.1f%s" % (value / unit, text)
    if value >= 100 or value == math.floor(value):
        return "%.0f" % value
    return "%.1f" % value if value >= 10 else "%.2f" % value


def cell(workload, side, field):
    measured = workload["sides"].get(side)
    return short(measured.get(field)) if measured else "-"


# --- The table of the README -------------------------------------------------

HEAD = """\
| | workload | unix WAL | unix DELETE | actorkv | DELETE/WAL | ratio | asked |
 syncs/op | bytes/op | memory |
|---|---|---|---|---|---|---|---|---|---|---|
""".replace("|\n ", "| ")


def table(document):
    lines = [HEAD]
    for workload in document["workloads"]:
        unit = workload["unit"]
        unit = " " + unit if unit and unit[0] != "/" else unit
        values = [cell(workload, side, "median") for side in SIDES]
        values = [v if v == "-" else v + unit for v in values]
        asked = workload["asked"] or "-"
        if not workload["met"]:
            asked += " **below**"
        per_op = [" / ".join(cell(workload, side, field) for side in SIDES)
                  for field in ("syncs_per_op", "bytes_per_op",
                                "memory_bytes")]
        cells = [workload["id"], workload["text"], *values,
                 short(workload["delete_ratio"]), short(workload["ratio"]),
                 asked, *per_op]
        lines.append("| " + " | ".join(cells) + " |\n")
    machine = "".join("%s: %s. " % item
                      for item in document["context"].items()).strip()
    return machine + "\n\n" + "".join(lines)


def write_readme(document, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n" + table(document) + END + after)


# --- Plots -------------------------------------------------------------------

STYLE = """\
set terminal svg size 860,%d font 'sans-serif,12' background '#ffffff'
set output '%s'
set style fill solid noborder
set grid xtics lc rgb '#dddddd'
set border 1
set tics nomirror
set yrange [%g:-0.7]
set key outside bottom center horizontal
set logscale x
"""

# Rows are drawn from the top; each box from 1 or the axis to its value.
RATIOS = """\
set title 'Times as good as the unix VFS in WAL mode, synchronous=FULL'
set xrange [0.02:100]
set arrow from 1,-0.7 to 1,%g nohead lc rgb '#555555'
plot $d using 3:0:(1):3:($0+0.02):($0+0.36):ytic(1) with boxxyerror \\
  lc rgb '#2a6fbb' title 'actorkv', \\
  $d using 2:0:(1):2:($0-0.36):($0-0.02) with boxxyerror \\
  lc rgb '#bbbbbb' title 'unix DELETE', \\
  $d using 4:0 with points pt 2 lw 2 lc rgb '#c03030' title 'asked'
"""

WRITES = """\
set title 'Bytes written by an operation (syncs beside the bars)'
set xrange [10:1000000]
plot $d using 2:0:(10):2:($0-0.36):($0-0.02):ytic(1) with boxxyerror \\
  lc rgb '#bbbbbb' title 'unix WAL', \\
  $d using 4:0:(10):4:($0+0.02):($0+0.36) with boxxyerror \\
  lc rgb '#2a6fbb' title 'actorkv', \\
  $d using 2:($0-0.19):3 with labels left offset 0.4,0 \\
  font ',9' notitle, \\
  $d using 4:($0+0.19):5 with labels left offset 0.4,0 \\
  font ',9' notitle
"""


def draw(rows, plot, path):
    if not rows:
        return
    height = 90 + 26 * len(rows)
    last = len(rows) - 0.3
    data = "$d << END\n" + "\n".join(rows) + "\nEND\n"
    script = STYLE % (height, path, last)
    script += data + (plot % last if "%g" in plot else plot)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip() for line in file]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def write_plots(document, directory):
    if not shutil.which("gnuplot"):
        print("report.py: without gnuplot there are no plots")
        return
    ratios = []
    writes = []
    for workload in document["workloads"]:
        if workload["ratio"]:
            numbers = (workload["delete_ratio"], workload["ratio"],
                       workload["asked_ratio"] or None)
            ratios.append(" ".join(
                [workload["id"]] + ["%g" % n if n else "NaN"
                                    for n in numbers]))
        sides = workload["sides"]
        pair = [sides.get("unix_wal"), sides.get("actorkv")]
        # Operations that write, and are no megabytes.
        if workload["unit"] == "/s" and all(
                side and side["bytes_per_op"] > 10 for side in pair):
            writes.append(" ".join([workload["id"]] + [
                "%g %s" % (side["bytes_per_op"], short(side["syncs_per_op"]))
                for side in pair]))
    draw(ratios, RATIOS, os.path.join(directory, "ratios.svg"))
    draw(writes, WRITES, os.path.join(directory, "writes.svg"))


# --- The gate ----------------------------------------------------------------


def ratios_of(document):
    return {w["id"]: w["ratio"] for w in document["workloads"] if w["ratio"]}


def lost(now, base):
    return sorted(name for name in now
                  if name in base and now[name] < base[name] * (1 - MAX_LOSS))


def measure_again(command, names):
    """The ratios of these workloads in a new run."""
    pattern = "^(%s)/(unix|actorkv)" % "|".join(names)
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "again.json")
        subprocess.run([*command, "--json=" + path,
                        "--benchmark_filter=" + pattern],
                       check=True, stdout=subprocess.DEVNULL)
        return ratios_of(load(path))


def gate(document, baseline, remeasure):
    efforts = [d["context"].get("effort") for d in (document, baseline)]
    if efforts[0] != efforts[1]:
        print("bench-gate: a %s run cannot be compared with a %s one"
              % tuple(efforts))
        return 1
    base = ratios_of(baseline)
    now = ratios_of(document)
    names = lost(now, base)
    again = {}
    if names:
        print("bench-gate: measuring again:", " ".join(names))
        again = remeasure(names)
    failed = lost(again, base)
    for name in names:
        print("  %-12s ratio %5.2f, then %5.2f; %5.2f is committed%s"
              % (name, now[name], again.get(name, 0), base[name],
                 ": LOST" if name in failed else ""))
    print("bench-gate: %d ratios, %d lost" % (len(now), len(failed)))
    return 1 if failed else 0


def self_test():
    def run(ratios, effort="full"):
        return {"context": {"effort": effort},
                "workloads": [{"id": name, "ratio": ratio}
                              for name, ratio in ratios.items()]}

    base = run({"W1": 1.0, "W2": 2.0, "R1": None, "W5": 1.0})
    measured = []

    def again(ratios):
        def remeasure(names):
            measured.append(names)
            return ratios
        return remeasure

    # A loss of a fifth is none, and nothing is measured again.
    assert gate(run({"W1": 0.8, "W2": 2.5, "W9": 1}), base, again({})) == 0
    assert not measured
    # What was noise is forgiven; what is lost twice is not.
    assert gate(run({"W1": 0.7, "W2": 1.5}), base,
                again({"W1": 0.9, "W2": 1.7})) == 0
    assert measured == [["W1", "W2"]]
    assert gate(run({"W1": 0.7, "W2": 2}), base, again({"W1": 0.79})) == 1
    # A quick run says nothing about a full one.
    assert gate(run({"W1": 1}, "quick"), base, again({})) == 1
    for value, text in ((0, "0"), (0.074, "0.07"), (1, "1"), (12.34, "12.3"),
                        (1234, "1234"), (12345, "12.3k"), (1.5e6, "1.5M"),
                        (123456, "123k"), (2.5e8, "250M"), (None, "-")):
        assert short(value) == text, (value, short(value))
    return 0


def main(arguments):
    if arguments == ["self-test"]:
        return self_test()
    try:
        command, source, target, *rest = arguments
    except ValueError:
        print(__doc__)
        return 2
    document = load(source)
    if command == "plots":
        write_plots(document, target)
    elif command == "readme":
        write_plots(document, os.path.dirname(target) or ".")
        write_readme(document, target)
    elif command == "gate" and rest:
        return gate(document, load(target),
                    lambda names: measure_again(rest, names))
    else:
        print(__doc__)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
