"""A producer that is not ours: fastavro encodes, librdkafka sends, and nothing here knows the pipeline.

Registers the schemas of two domains, writes their events to two topics of four partitions with duplicates, disorder and
rubbish, and writes beside it, as JSON lines, what the graph must be afterwards (see oracle.py).
"""

import argparse
import base64
import io
import json
import random
import signal
import threading
import time
import urllib.parse
import urllib.request
import zlib
from pathlib import Path

import fastavro
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from events import GAMES, STREAMING, Event, make_events
from oracle import Oracle
from rubbish import KINDS, make_rubbish

PARTITIONS = 4
SCHEMA_FILES = {STREAMING: "streaming-playback-started.avsc", GAMES: "games-launched.avsc"}
COMPRESSION = {STREAMING: "lz4", GAMES: "zstd"}
DUPLICATE_SHARE = 0.10
RUBBISH_SHARE = 0.01
TOMBSTONE_SHARE = 0.003
NULL_KEY_SHARE = 0.02
HEADER_FRAMING_SHARE = 0.2
DUPLICATE_DELAY_MAX = 6_000


class Codec:
    """Confluent's two framings around fastavro's bytes."""

    def __init__(self, schemas: dict, ids: dict) -> None:
        self.schemas = schemas
        self.ids = ids

    def payload(self, event: Event) -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self.schemas[event.topic], event.value)
        return out.getvalue()

    def framed(self, event: Event) -> bytes:
        return b"\0" + self.ids[event.topic].to_bytes(4, "big") + self.payload(event)

    def header(self, schema_id: int) -> tuple[str, bytes]:
        return ("__value_schema_id", b"\0" + schema_id.to_bytes(4, "big"))

    def encode(self, event: Event, in_header: bool) -> tuple[bytes, list]:
        if in_header:
            return self.payload(event), [self.header(self.ids[event.topic])]
        return self.framed(event), []


def register(registry: str, subject: str, text: str) -> int:
    request = urllib.request.Request(
        f"{registry}/subjects/{urllib.parse.quote(subject, safe='')}/versions",
        data=json.dumps({"schema": text}).encode(),
        headers={"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)["id"]


def create_topics(bootstrap: str, topics: list[str]) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    # The brokers' own replication factor.
    for future in admin.create_topics([NewTopic(topic, PARTITIONS, -1) for topic in topics]).values():
        future.result(timeout=30)


class Sender:
    """Sends in order, keeps the oracle in step and notes where each bad record ended up."""

    def __init__(self, arguments, codec: Codec, rng: random.Random) -> None:
        self.codec = codec
        self.rng = rng
        self.suffix = arguments.suffix
        self.oracle = Oracle()
        self.producers = {
            topic: Producer(
                {
                    "bootstrap.servers": arguments.bootstrap,
                    "compression.type": COMPRESSION[topic],
                    "enable.idempotence": True,
                    "linger.ms": 5,
                    "batch.size": 65536,
                    "message.timeout.ms": 120_000,
                }
            )
            for topic in SCHEMA_FILES
        }

    def topic_name(self, topic: str) -> str:
        return topic + self.suffix

    def send(self, event: Event, value, headers: list, partition: int, key, on_delivery) -> None:
        producer = self.producers[event.topic]
        while True:
            try:
                producer.produce(
                    self.topic_name(event.topic),
                    value=value,
                    key=key,
                    headers=headers,
                    partition=partition,
                    on_delivery=on_delivery,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)

    def key_and_partition(self, event: Event) -> tuple:
        if self.rng.random() < NULL_KEY_SHARE:
            return None, self.rng.randrange(PARTITIONS)
        key = event.account.encode()
        return key, zlib.crc32(key) % PARTITIONS

    def good(self, event: Event, moved: bool) -> None:
        """`moved`: a duplicate that reaches another partition than its first sending."""
        key, partition = self.key_and_partition(event)
        if moved:
            partition = (partition + 1) % PARTITIONS
        value, headers = self.codec.encode(event, self.rng.random() < HEADER_FRAMING_SHARE)
        self.oracle.applied(partition, self.topic_name(event.topic), event)
        self.send(event, value, headers, partition, key, must_arrive)

    def tombstone(self, event: Event) -> None:
        key, partition = event.account.encode(), zlib.crc32(event.account.encode()) % PARTITIONS
        self.oracle.consumed(self.topic_name(event.topic), partition, "filtered")
        self.send(event, None, [], partition, key, must_arrive)

    def rubbish(self, kind: str, time_ms: int) -> None:
        event, value, headers = make_rubbish(kind, self.rng, time_ms, self.codec)
        key, partition = self.key_and_partition(event)
        topic = self.topic_name(event.topic)
        headers = [*headers, ("trace", f"trace-{self.rng.randrange(10**9)}".encode())]
        self.oracle.consumed(topic, partition, "deadLettered")
        row = {
            "row": "bad",
            "why": kind,
            "topic": topic,
            "partition": partition,
            "key": None if key is None else base64.b64encode(key).decode(),
            "value": base64.b64encode(value).decode(),
            "headers": [[name, base64.b64encode(raw).decode()] for name, raw in headers],
        }

        def delivered(error: KafkaError | None, message) -> None:
            must_arrive(error, message)
            _, timestamp_ms = message.timestamp()
            self.oracle.bad.append({**row, "offset": str(message.offset()), "timestampMs": timestamp_ms})

        self.send(event, value, headers, partition, key, delivered)

    def flush(self) -> None:
        for topic, producer in self.producers.items():
            left = producer.flush(120)
            if left > 0:
                raise RuntimeError(f"{left} records of {topic} were not delivered")


def must_arrive(error: KafkaError | None, _message) -> None:
    if error is not None:
        raise RuntimeError(str(error))


def schedule(rng: random.Random, count: int) -> list[tuple]:
    """What is sent in which order: (action, event or kind, time or flag); `count` records in all."""
    rubbish = round(count * RUBBISH_SHARE)
    tombstones = round(count * TOMBSTONE_SHARE)
    duplicates = round(count * DUPLICATE_SHARE)
    events = make_events(rng, count - rubbish - tombstones - duplicates)
    placed = [(float(at), ("good", event, False)) for at, event in enumerate(events)]
    for _ in range(duplicates):
        at = rng.randrange(len(events))
        placed.append((at + rng.uniform(0.5, DUPLICATE_DELAY_MAX), ("good", events[at], rng.random() < 0.1)))
    for number in range(rubbish):
        at = rng.uniform(0, len(events))
        placed.append((at, ("rubbish", KINDS[number % len(KINDS)], events[int(at)].time_ms)))
    for _ in range(tombstones):
        at = rng.uniform(0, len(events))
        placed.append((at, ("tombstone", events[int(at)], False)))
    placed.sort(key=lambda entry: entry[0])
    return [action for _, action in placed]


def arguments_of():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True, help="bootstrap servers of Kafka")
    parser.add_argument("--registry", required=True, help="base URL of the registry's Confluent API")
    parser.add_argument("--catalog", required=True, help="folder of the .avsc files")
    parser.add_argument("--oracle", required=True, help="file to write the expected graph to")
    parser.add_argument("--suffix", default="", help="appended to the topics' names")
    parser.add_argument("--events", type=int, default=100_000, help="records to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--rate", type=int, default=0, help="records a second, until SIGUSR1; 0 for as fast as it goes"
    )
    return parser.parse_args()


def main() -> None:
    arguments = arguments_of()
    hurry = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: hurry.set())
    rng = random.Random(arguments.seed)
    texts = {topic: Path(arguments.catalog, file).read_text("utf-8") for topic, file in SCHEMA_FILES.items()}
    schemas = {topic: fastavro.parse_schema(json.loads(text)) for topic, text in texts.items()}
    create_topics(arguments.bootstrap, [topic + arguments.suffix for topic in SCHEMA_FILES])
    ids = {topic: register(arguments.registry, f"{topic}{arguments.suffix}-value", text) for topic, text in texts.items()}
    sender = Sender(arguments, Codec(schemas, ids), rng)
    actions = schedule(rng, arguments.events)
    print(json.dumps({"ready": True, "seed": arguments.seed, "schemaIds": ids}), flush=True)

    started = time.monotonic()
    for number, (action, what, extra) in enumerate(actions):
        if action == "good":
            sender.good(what, extra)
        elif action == "tombstone":
            sender.tombstone(what)
        else:
            sender.rubbish(what, extra)
        if arguments.rate > 0 and number % 100 == 99:
            hurry.wait(max(0.0, started + (number + 1) / arguments.rate - time.monotonic()))
    sender.flush()
    sender.oracle.write(arguments.oracle)
    print(json.dumps({"written": len(actions), "seconds": round(time.monotonic() - started, 2)}), flush=True)


if __name__ == "__main__":
    main()
