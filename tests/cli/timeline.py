# SPDX-License-Identifier: MIT
"""What is wrong with a timeline of `vsva trace --perfetto`, by its structure: what a viewer would show wrongly or not at
all. Run by itself, timeline.py FILE: prints what is wrong and how much there is; exit status 0 or 1.
"""
import collections
import json
import sys


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)["traceEvents"]


def tracks(events):
    """Slices by track, in the order of their beginnings."""
    found = collections.defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            # nanoseconds, whole: the format has microseconds with three digits
            found[event["pid"], event["tid"]].append((round(event["ts"] * 1000), round(event["dur"] * 1000), event["name"]))
    for slices in found.values():
        slices.sort(key=lambda piece: (piece[0], -piece[1]))
    return found


def unnamed(events):
    places = {event["pid"] for event in events if event["ph"] == "M" and event["name"] == "process_name" and event["args"]["name"]}
    named = {(event["pid"], event["tid"]) for event in events if event["ph"] == "M" and event["name"] == "thread_name"}
    for event in events:
        if "pid" in event and (event["pid"] not in places or (event["pid"], event["tid"]) not in named):
            yield f"a track without a name: {event}"


def overlaps(events):
    for track, slices in tracks(events).items():
        open_until = []
        for begin, length, name in slices:
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            if open_until and begin + length > open_until[-1]:
                yield f"slices overlap on {track}: {name} at {begin}"
            open_until.append(begin + length)
        # hops stand beside each other, operations may stand in one another
        for (begin, length, name), (following, _, _) in zip(slices, slices[1:]):
            if track[1] == 1 and begin + length > following:
                yield f"two hops of {track} at one time: {name} at {begin}"


def disordered(events):
    last = {}
    for event in events:
        if event["ph"] == "X" and event["tid"] == 1:
            if event["ts"] <= last.get(event["pid"], 0):
                yield f"time goes back: {event}"
            last[event["pid"]] = event["ts"]


def loose_flows(events):
    beginnings = {track: {begin for begin, _, _ in slices} for track, slices in tracks(events).items()}
    flows = collections.defaultdict(dict)
    for event in events:
        if event["ph"] in "sf":
            if event["ph"] in flows[event["id"]]:
                yield f"flow {event['id']} has two ends of a kind"
            flows[event["id"]][event["ph"]] = event
            if round(event["ts"] * 1000) not in beginnings.get((event["pid"], event["tid"]), ()):
                yield f"flow {event['id']} hangs at no slice: {event}"
    for number, ends in flows.items():
        if set(ends) != {"s", "f"}:
            yield f"flow {number} has only {set(ends)}"
        elif ends["s"]["ts"] >= ends["f"]["ts"] or ends["s"]["name"] != ends["f"]["name"]:
            yield f"flow {number} goes back in time, or is another one at its end"


def open_spans(events):
    spans = {}
    for event in events:
        if event["ph"] == "b":
            spans[event["id"]] = event
        elif event["ph"] == "e":
            begin = spans.pop(event["id"], None)
            if not begin or begin["ts"] > event["ts"] or begin["name"] != event["name"] or begin["pid"] != event["pid"]:
                yield f"a span ends that was not begun: {event}"
    for event in spans.values():
        yield f"a span has no end: {event}"


def faults(events):
    return [fault for check in (unnamed, disordered, overlaps, loose_flows, open_spans) for fault in check(events)]


def arrows(events):
    """How many flows from one place to another, by their names without those of VMs and devices."""
    places = {event["pid"]: event["args"]["name"].split()[0] for event in events if event["ph"] == "M" and event["name"] == "process_name"}
    begins = {event["id"]: event for event in events if event["ph"] == "s"}
    return collections.Counter((places[begins[event["id"]]["pid"]], places[event["pid"]]) for event in events if event["ph"] == "f")


if __name__ == "__main__":
    timeline = load(sys.argv[1])
    wrong = faults(timeline)
    print(*wrong[:20], sep="\n")
    print(f"{len(timeline)} lines, {sum(arrows(timeline).values())} arrows, {len(tracks(timeline))} tracks, {len(wrong)} faults")
    sys.exit(bool(wrong))
