"""Records that can never be applied: each kind is one way in which real topics are dirty."""

import random
from dataclasses import replace

from events import Event, make_event

FAR_FUTURE_MS = 4_102_444_800_000  # 2100-01-01T00:00:00Z
UNKNOWN_SCHEMA_ID = 999_999
PLACEHOLDER = "@@@@@@@@"

KINDS = [
    "random-bytes",
    "wrong-magic",
    "unknown-schema",
    "unknown-schema-in-header",
    "truncated",
    "frame-only",
    "trailing-bytes",
    "wrong-union-branch",
    "enum-out-of-range",
    "negative-length",
    "far-future",
    "empty-value",
    "empty-id",
    "invalid-utf8",
]


def varint(number: int) -> bytes:
    """Avro's zig-zag encoding of a long."""
    bits = (number << 1) ^ (number >> 63)
    out = bytearray()
    while bits > 0x7F:
        out.append((bits & 0x7F) | 0x80)
        bits >>= 7
    out.append(bits)
    return bytes(out)


def string(text: str) -> bytes:
    raw = text.encode()
    return varint(len(raw)) + raw


def with_account(event: Event, account: str) -> Event:
    return replace(event, account=account, value={**event.value, "accountId": account})


def make_rubbish(kind: str, rng: random.Random, time_ms: int, codec) -> tuple[Event, bytes, list]:
    """The event it was made from, the record's value and its headers. `codec` encodes and frames for us."""
    event = make_event(rng, time_ms)
    if kind == "random-bytes":
        return event, bytes([rng.randrange(1, 256)]) + rng.randbytes(rng.randrange(1, 200)), []
    if kind == "wrong-magic":
        return event, bytes([rng.randrange(2, 256)]) + codec.framed(event)[1:], []
    if kind == "unknown-schema":
        return event, b"\0" + UNKNOWN_SCHEMA_ID.to_bytes(4, "big") + codec.payload(event), []
    if kind == "unknown-schema-in-header":
        return event, codec.payload(event), [codec.header(UNKNOWN_SCHEMA_ID)]
    if kind == "truncated":
        framed = codec.framed(event)
        return event, framed[: rng.randrange(6, len(framed))], []
    if kind == "frame-only":
        return event, codec.framed(event)[: rng.randrange(1, 6)], []
    if kind == "trailing-bytes":
        return event, codec.framed(event) + rng.randbytes(rng.randrange(1, 9)), []
    if kind == "wrong-union-branch":
        return event, broken(event, codec, union_of(event), varint(rng.choice([2, 7, -1, 2**40]))), []
    if kind == "enum-out-of-range":
        return event, broken(event, codec, enum_of(event), varint(rng.choice([6, 99, -1]))), []
    if kind == "negative-length":
        return event, codec.framed(event).replace(string(event.account), varint(-7)), []
    if kind == "far-future":
        return event, codec.framed(replace(event, value={**event.value, "occurredAt": FAR_FUTURE_MS})), []
    if kind == "empty-value":
        return event, b"", []
    if kind == "empty-id":
        return event, codec.framed(with_account(event, "")), []
    if kind == "invalid-utf8":
        marked = codec.framed(with_account(event, PLACEHOLDER))
        return event, marked.replace(PLACEHOLDER.encode(), b"\xff\xfe\xc0\x80\xed\xa0\x80a"), []
    raise ValueError(kind)


def device_bytes(event: Event) -> tuple[bytes, bytes, bytes]:
    """A device's id, kind and model as Avro writes them."""
    device = event.value["device"]
    kinds = ["PHONE", "TABLET", "TV", "BROWSER", "CONSOLE", "UNKNOWN"]
    model = varint(0) if device["model"] is None else varint(1) + string(device["model"])
    return string(device["id"]), varint(kinds.index(device["kind"])), model


def union_of(event: Event) -> tuple[bytes, bytes]:
    """What comes before the union's branch, and the branch."""
    ident, kind, model = device_bytes(event)
    return ident + kind, model[:1]


def enum_of(event: Event) -> tuple[bytes, bytes]:
    ident, kind, _ = device_bytes(event)
    return ident, kind


def broken(event: Event, codec, place: tuple[bytes, bytes], wrong: bytes) -> bytes:
    before, right = place
    framed = codec.framed(event)
    found = framed.index(before + right)
    return framed[: found + len(before)] + wrong + framed[found + len(before) + len(right) :]
