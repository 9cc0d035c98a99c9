"""How much memory the server takes: at its start, with everything loaded, and while many ask the guard.

The texts are those of the corpus, in all of its languages: as they are, then many put together to long ones.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import _servers as servers

CORPUS = Path(__file__).parent.parent / "precog" / "detection" / "corpus"
OF_A_FILE = 150  # texts
LONG = 100_000  # bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--texts", type=int, default=100, help="short ones over each connection")
    parser.add_argument("--long", type=int, default=5, help="long ones over each connection")
    options = parser.parse_args()
    print(servers.machine())
    for line in figures(options.connections, {"short": options.texts, "long": options.long}):
        print(line, flush=True)


def figures(connections: int, counts: dict[str, int]) -> Iterator[str]:
    """The lines to print."""
    drawn = random.Random(1)
    short = corpus()
    texts = {"short": short, "long": [long(short, drawn) for _ in range(60)]}
    with tempfile.TemporaryDirectory(prefix="precog-bench-") as name:
        instance = Path(name) / "instance"
        key = servers.new_key(instance, None, "agentid")
        with servers.precog(instance, None) as url:
            yield told("started", url)
            ask(url, key, short[:1])
            time.sleep(1)  # what making ready has left is given back after it
            yield told("loaded", url)
            for kind, count in counts.items():
                drawn_texts = [drawn.choices(texts[kind], k=count) for _ in range(connections)]
                with ThreadPoolExecutor(connections) as pool:
                    list(pool.map(lambda some: ask(url, key, some), drawn_texts))
                yield told(f"{kind} texts over {connections} connections", url)


def told(when: str, url: str) -> str:
    now, most = servers.resident_mb(url), servers.resident_mb(url, most=True)
    return f"{when:<40}{now:>7.0f} MB, at most {most:.0f} MB"


def corpus() -> list[str]:
    """Some texts of each file, which is of one language."""
    files = [path.read_text("utf-8").splitlines() for path in sorted(CORPUS.glob("*/*.jsonl"))]
    return [json.loads(line)["text"] for lines in files for line in lines[:OF_A_FILE]]


def long(short: Sequence[str], drawn: random.Random) -> str:
    """Texts of many languages as one."""
    text = ""
    while len(text.encode()) < LONG:
        text += drawn.choice(short) + "\n"
    return text


def ask(url: str, key: str, texts: Sequence[str]) -> None:
    """Ask the guard about each text, over one connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    for text in texts:
        body = json.dumps({"input": text})
        connection.request(
            "POST", "/api/v1/guard", body, {"x-api-key": key, "Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (200, 403):
            raise SystemExit(f"answered {answer.status}")
    connection.close()


if __name__ == "__main__":
    main()
