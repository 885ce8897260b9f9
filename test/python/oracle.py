"""What the graph must be, worked out from the meaning of the events alone and with nothing of the pipeline's.

- a property is what the latest event said about it; of several said at the same time any may win (which one is the
  store's own rule), so the oracle lists all of them;
- an edge is the set of distinct events that touched it: first and last seen and the count follow;
- a step is one member's distinct event, in order of time.
"""

import json
from collections import Counter, defaultdict

from events import GAMES, STREAMING, Event


class Register:
    """The values said at the latest time."""

    def __init__(self) -> None:
        self.time_ms = -1
        self.values: list = []

    def write(self, time_ms: int, value) -> None:
        if time_ms > self.time_ms:
            self.time_ms, self.values = time_ms, [value]
        elif time_ms == self.time_ms and value not in self.values:
            self.values.append(value)

    def row(self) -> dict:
        return {"timeMs": self.time_ms, "anyOf": self.values}


class Edge:
    def __init__(self) -> None:
        self.seen: dict[str, int] = {}
        self.properties: dict[str, Register] = defaultdict(Register)


class Oracle:
    def __init__(self) -> None:
        self.nodes: dict[tuple, dict[str, Register]] = {}
        self.edges: dict[tuple, Edge] = defaultdict(Edge)
        self.steps: dict[tuple, dict[str, dict]] = defaultdict(dict)
        self.fates: dict[tuple, Counter] = defaultdict(Counter)
        self.distinct: dict[tuple, set[str]] = defaultdict(set)
        self.bad: list[dict] = []

    def consumed(self, topic: str, partition: int, fate: str) -> None:
        counter = self.fates[topic, partition]
        counter["consumed"] += 1
        counter[fate] += 1

    def applied(self, partition: int, topic: str, event: Event) -> None:
        self.consumed(topic, partition, "landed")
        self.distinct[topic, partition].add(event.event_id)
        if event.topic == STREAMING:
            self.playback_started(event)
        elif event.topic == GAMES:
            self.game_launched(event)
        else:
            raise ValueError(event.topic)

    def playback_started(self, event: Event) -> None:
        value, account = event.value, ("Account", event.account)
        title, device = ("Title", value["title"]["id"]), ("Device", value["device"]["id"])
        self.node(account, event, {})
        self.node(title, event, {"name": value["title"]["name"], "kind": value["title"]["kind"]})
        self.node(device, event, {"kind": value["device"]["kind"], "model": value["device"]["model"]})
        self.edge("STARTED", account, title, event, {"resumed": value["resumed"]})
        self.edge("USED", account, device, event, {})
        said = {"title": value["title"]["name"], "device": value["device"]["kind"], "resumed": value["resumed"]}
        self.step(account, event, "streaming", "started watching", [("STARTED", title), ("USED", device)], said)

    def game_launched(self, event: Event) -> None:
        value, account = event.value, ("Account", event.account)
        game, device = ("Game", value["game"]["id"]), ("Device", value["device"]["id"])
        self.node(account, event, {})
        self.node(game, event, {"name": value["game"]["name"]})
        self.node(device, event, {})
        self.edge("PLAYED", account, game, event, {"cloud": value["cloud"]})
        self.edge("USED", account, device, event, {})
        if value["game"]["franchiseTitleId"] is not None:
            title = ("Title", value["game"]["franchiseTitleId"])
            self.node(title, event, {})
            self.edge("BELONGS_TO", game, title, event, {})
        said = {"game": value["game"]["name"], "device": value["device"]["kind"]}
        self.step(account, event, "games", "played", [("PLAYED", game), ("USED", device)], said)

    def node(self, node: tuple, event: Event, properties: dict) -> None:
        registers = self.nodes.setdefault(node, defaultdict(Register))
        for name, value in properties.items():
            registers[name].write(event.time_ms, value)

    def edge(self, kind: str, start: tuple, end: tuple, event: Event, properties: dict) -> None:
        edge = self.edges[kind, start, end]
        edge.seen[event.event_id] = event.time_ms
        for name, value in properties.items():
            edge.properties[name].write(event.time_ms, value)

    def step(self, owner: tuple, event: Event, domain: str, action: str, links: list, properties: dict) -> None:
        self.steps[owner][event.event_id] = {
            "timeMs": event.time_ms,
            "domain": domain,
            "action": action,
            "links": [{"edge": edge, "direction": "out", "type": node[0], "id": node[1]} for edge, node in links],
            "properties": properties,
        }

    def rows(self):
        for (kind, ident), registers in self.nodes.items():
            properties = {name: register.row() for name, register in registers.items()}
            yield {"row": "node", "type": kind, "id": ident, "properties": properties}
        for (kind, start, end), edge in self.edges.items():
            yield {
                "row": "edge",
                "type": kind,
                "from": {"type": start[0], "id": start[1]},
                "to": {"type": end[0], "id": end[1]},
                "firstSeenMs": min(edge.seen.values()),
                "lastSeenMs": max(edge.seen.values()),
                "count": len(edge.seen),
                "properties": {name: register.row() for name, register in edge.properties.items()},
            }
        for (kind, ident), steps in self.steps.items():
            ordered = sorted(steps.values(), key=lambda step: step["timeMs"])
            yield {"row": "journey", "type": kind, "id": ident, "steps": ordered}
        for (topic, partition), counter in self.fates.items():
            yield {
                "row": "fates",
                "topic": topic,
                "partition": partition,
                "consumed": counter["consumed"],
                "landed": counter["landed"],
                "filtered": counter["filtered"],
                "deadLettered": counter["deadLettered"],
                "distinct": len(self.distinct[topic, partition]),
            }
        yield from self.bad

    def write(self, path: str) -> None:
        with open(path, "w", encoding="utf-8") as out:
            for row in self.rows():
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
