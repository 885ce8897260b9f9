"""Events of two services that know nothing about graphs: who started which title, and who launched which game.

Everything follows from the seed alone, event times included, so that two runs write the same events.
"""

import random
import uuid
from dataclasses import dataclass, field

STREAMING = "streaming.playback"
GAMES = "games.launch"

FIRST_TIME_MS = 1_748_736_000_000  # 2025-06-01T00:00:00Z
ACCOUNTS = 2_000
TITLES = 300
GAMES_COUNT = 60
SHUFFLE_WINDOW = 400


@dataclass
class Event:
    """One thing that happened, as its service sees it."""

    topic: str
    event_id: str
    time_ms: int
    account: str
    value: dict = field(repr=False)


def make_uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def skewed(rng: random.Random, count: int) -> int:
    """A few are chosen often: most pairs repeat, so that edges have counts worth comparing."""
    return min(count - 1, int(count * rng.random() ** 2.5))


def text_of(rng: random.Random, stem: str) -> str:
    """Names change now and then and are not all ASCII: the last writer has to win."""
    return f"{stem} · {rng.choice(['first', 'second', 'third', 'dritte', '第四', '🎬'])}"


def device_of(rng: random.Random, account: int) -> dict:
    number = rng.randrange(3)
    kinds = ["PHONE", "TABLET", "TV", "BROWSER", "CONSOLE", "UNKNOWN"]
    return {
        "id": f"device-{account}-{number}",
        "kind": rng.choice(kinds),
        "model": rng.choice([None, "Model S", "Modèle É", ""]),
    }


def playback_started(rng: random.Random, time_ms: int) -> Event:
    account = skewed(rng, ACCOUNTS)
    title = skewed(rng, TITLES)
    event_id = make_uuid(rng)
    value = {
        "eventId": event_id,
        "occurredAt": time_ms,
        "accountId": f"account-{account}",
        "title": {
            "id": f"title-{title}",
            "name": text_of(rng, f"Title {title}"),
            "kind": rng.choice(["FILM", "SERIES", "LIVE", "UNKNOWN"]),
        },
        "device": device_of(rng, account),
        "positionMs": rng.choice([0, rng.randrange(7_200_000), 2**53 + 1]),
        "resumed": rng.random() < 0.4,
    }
    return Event(STREAMING, event_id, time_ms, value["accountId"], value)


def game_launched(rng: random.Random, time_ms: int) -> Event:
    account = skewed(rng, ACCOUNTS)
    game = skewed(rng, GAMES_COUNT)
    event_id = make_uuid(rng)
    franchise = f"title-{game * 7}" if game % 3 else None
    value = {
        "eventId": event_id,
        "occurredAt": time_ms,
        "accountId": f"account-{account}",
        "game": {"id": f"game-{game}", "name": text_of(rng, f"Game {game}"), "franchiseTitleId": franchise},
        "device": device_of(rng, account),
        "cloud": rng.random() < 0.5,
    }
    return Event(GAMES, event_id, time_ms, value["accountId"], value)


def make_event(rng: random.Random, time_ms: int) -> Event:
    return playback_started(rng, time_ms) if rng.random() < 0.6 else game_launched(rng, time_ms)


def make_events(rng: random.Random, count: int) -> list[Event]:
    """Distinct events in the order they are sent: times jump about within windows of a few hundred."""
    time_ms = FIRST_TIME_MS
    events = []
    for _ in range(count):
        time_ms += rng.choice([0, 0, 1, 40, 900, 5_000])
        events.append(make_event(rng, time_ms))
    for start in range(0, count, SHUFFLE_WINDOW):
        window = events[start : start + SHUFFLE_WINDOW]
        rng.shuffle(window)
        events[start : start + SHUFFLE_WINDOW] = window
    return events
