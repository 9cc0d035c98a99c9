"""How fast outside agents are answered: `recommend` and `track-conversion` beside a bare Flask echo.

First the ranking alone, in this process. Then echo, recommend and track-conversion are driven in turn, in
one run, by wrk, over 1 and 16 connections. The limits are the real ones: the load comes from so many partners
that none passes its 600 a minute, and only the guard rail per address is set higher, since all of them are
here. Goals and products share words of which few are common and most are rare; each conversion is a new row
on disk.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import _servers as servers

from precog import create_app
from precog.core import callers, catalogs, conversions, recommend
from precog.core.callers import Registration
from precog.core.catalogs import About
from precog.core.product import Product, product_id
from precog.core.recommend import Wish
from precog.core.services import Services

SLUG = "bench"
PARTNERS = 500
SESSIONS = 2_000
WORDS = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--goals", type=int, default=300, help="that the ranking alone is timed with")
    parser.add_argument("--seconds", type=int, default=5, help="of load a measurement; 0 leaves HTTP out")
    parser.add_argument("--rounds", type=int, default=5, help="of which the medians are told")
    parser.add_argument("--database", help="postgresql://…, an empty database; else SQLite")
    options = parser.parse_args()
    print(servers.machine())
    os.environ["PRECOG_CALLER_IP_PER_MINUTE"] = str(10**9)
    os.environ["PRECOG_REGISTRATIONS_PER_HOUR"] = str(10**9)
    for number in options.products:
        with tempfile.TemporaryDirectory(prefix="precog-bench-") as folder:
            for line in measure(Path(folder), number, options):
                print(line, flush=True)


def measure(folder: Path, number: int, options: argparse.Namespace) -> Iterator[str]:
    """The lines to print about a catalogue of so many products."""
    instance = folder / "instance"
    servers.new_key(instance, options.database)
    settings = {"instance": instance, "database": options.database, "background_analysis": False}
    services: Services = create_app(settings).extensions["precog"]
    try:
        before = time.perf_counter()
        fill(services, number)
        yield f"\n{number:,} products, imported in {time.perf_counter() - before:.1f} s"
        taken = [took_ms(services, goal) for goal in goals(options.goals)]
        yield f"{'ranking alone':<34}{'':>12}{'p50 ms':>9}{'p99 ms':>9}"
        middle, late = sorted(taken)[len(taken) // 2], sorted(taken)[len(taken) * 99 // 100]
        yield f"  {f'{len(taken)} goals':<32}{'':>12}{middle:>9.2f}{late:>9.2f}"
        crowd = Crowd.of(services, number) if options.seconds else None
    finally:
        services.close()
    if crowd is not None:
        yield from http_figures(folder, crowd, options)


# --- what is sold, and what is asked for


def vocabulary() -> tuple[list[str], list[float]]:
    """Made-up words, and how common each is: the n-th about 1/n."""
    letters = random.Random(1)
    syllables = [one + other for one in "bdfgklmnprstvz" for other in "aeiou"]
    words = ["".join(letters.choices(syllables, k=3)) for _ in range(WORDS)]
    return words, list(itertools.accumulate(1 / (rank + 5) for rank in range(WORDS)))


def fill(services: Services, number: int) -> None:
    """Make the catalogue."""
    owner = services.db.read(lambda tx: tx.one("SELECT id FROM organizations"))
    assert owner is not None
    catalogs.create(services, owner["id"], SLUG, About("Bench", "A shop of many things"))
    chance, (words, weights) = random.Random(2), vocabulary()

    def some(count: int) -> str:
        return " ".join(chance.choices(words, cum_weights=weights, k=count))

    made = (
        Product(
            f"sku-{at}",
            some(5),
            chance.randrange(10_000, 5_000_000, 100),
            "EUR",
            url=f"https://shop.example/{at}",
            notes=some(12),
            attributes={"color": some(1), "kind": some(2)},
        )
        for at in range(number)
    )
    while batch := list(itertools.islice(made, catalogs.ROWS_A_TRANSACTION)):
        catalogs.put_products(services, owner["id"], SLUG, batch)


def goals(count: int) -> list[str]:
    """What is asked for: two to six words."""
    chance, (words, weights) = random.Random(3), vocabulary()
    return [
        "I need " + " ".join(chance.choices(words, cum_weights=weights, k=chance.randint(2, 6)))
        for _ in range(count)
    ]


def took_ms(services: Services, goal: str) -> float:
    before = time.perf_counter()
    recommend.recommend(services, SLUG, Wish(goal, budget_e4=4_000_000))
    return (time.perf_counter() - before) * 1000


# --- over HTTP


@dataclass(frozen=True)
class Crowd:
    """Who asks: the partners' keys, sessions with their tokens, and products to buy."""

    keys: Sequence[str]
    sessions: Sequence[tuple[str, str]]
    products: Sequence[str]

    @classmethod
    def of(cls, services: Services, number: int) -> Crowd:
        """Partners and sessions of this server."""
        made = [
            callers.register(services, Registration(f"Bench {at}"), address="127.0.0.1")
            for at in range(PARTNERS)
        ]
        for one in made:
            callers.grant(services, None, one.caller.id, tier="partner", revenue_share_e2=1_000)
        names = [f"session-{at}" for at in range(SESSIONS)]
        now = services.clock()
        tokens = [conversions.issue(services, session_id=name, slug=SLUG, now=now)[0] for name in names]
        products = [product_id(SLUG, f"sku-{at}") for at in range(min(number, 1_000))]
        return cls([one.key for one in made], list(zip(names, tokens, strict=True)), products)


# Requests are made before the clock runs; each is of another partner than the one before it.
_SCRIPT = """
wrk.method = "POST"
local keys, bodies, at = {keys}, {bodies}, {start}
function request()
  at = at + 1
  local headers = {{["Content-Type"] = "application/json", ["X-Caller-Key"] = keys[at % #keys + 1]}}
  return wrk.format(nil, nil, headers, {body})
end
"""
_TRACK = "string.format(bodies[at % #bodies + 1], products[math.floor(at / #bodies) % #products + 1])"


def http_figures(folder: Path, crowd: Crowd, options: argparse.Namespace) -> Iterator[str]:
    """The lines to print about the server: throughput and latency."""
    asked = [json.dumps({"goal": goal, "budget": 400, "maxResults": 5}) for goal in goals(1_000)]
    sold = [
        json.dumps(
            {"productId": "%s", "value": 19.9, "currency": "EUR", "sessionId": name, "conversionToken": token}
        )
        for name, token in crowd.sessions
    ]
    starts = itertools.count(0, 1_000_003)  # each run buys what no run before it bought

    def script(name: str) -> Path:
        path = folder / f"{name}.lua"
        text = _SCRIPT.format(
            keys=lua(crowd.keys),
            bodies=lua(sold if name == "track" else asked),
            start=next(starts),
            body=_TRACK if name == "track" else "bodies[at % #bodies + 1]",
        )
        path.write_text(f"local products = {lua(crowd.products)}\n{text}")
        return path

    with servers.echo() as echo, servers.precog(folder / "instance", options.database) as precog:
        agent = f"{precog}/api/public/agents/{SLUG}"
        urls = {
            "echo": f"{echo}/echo",
            "recommend": f"{agent}/recommend",
            "track": f"{agent}/track-conversion",
        }
        yield f"{'':<34}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'of the echo':>13}"
        for connections in (1, 16):
            found: dict[str, list[servers.Load]] = {name: [] for name in urls}
            for _ in range(options.rounds):
                for name, url in urls.items():
                    load = servers.drive(url, script(name), connections=connections, seconds=options.seconds)
                    found[name].append(load)
            yield from servers.compared(found, connections)


def lua(texts: Sequence[str]) -> str:
    """The texts as a table of Lua's."""
    return "{" + ",".join(f"[==[{text}]==]" for text in texts) + "}"


if __name__ == "__main__":
    main()
