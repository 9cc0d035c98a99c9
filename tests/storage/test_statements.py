"""Every statement of the storage modules is valid on the schema, and finds its rows by an index."""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import precog.storage
from precog.storage import (
    analyses,
    audit,
    conversions,
    interactions,
    lifecycles,
    products,
    search,
    search_postgres,
    sessions,
    transactions,
)
from precog.storage.engine import Database
from precog.storage.interactions import Filter

# Looked at once a start, a registration or by the operator's command line, of a few rows.
MAY_SCAN = {"organizations.ALL", "organizations.OLDEST", "keys.ANY"} | {
    f"signing_keys.{name}" for name in ("PUBLISHED", "RETIRE", "WIPE", "FORGET")
}
# Has only what is still to be analyzed, which is what is asked for.
WAITING = "USING INDEX interactions_unanalyzed"
# The words' index, or a rowid.
INDEXED = "VIRTUAL TABLE INDEX"
FILTERS = (
    "agent_id",
    "session_id",
    "user_id",
    "platform",
    "system_id",
    "event_id",
    "workflow_run_id",
    "action",
    "from_id",
    "before_id",
)


class Recorder:
    """A transaction that only takes down what it is asked to run."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def all(self, sql: str, /, **params: Any) -> list[Any]:
        self.statements.append(sql)
        return []


def constants() -> Iterator[tuple[str, str]]:
    """The statements that are constants of their modules, by name."""
    for found in pkgutil.iter_modules(precog.storage.__path__):
        module = importlib.import_module(f"precog.storage.{found.name}")
        for name, value in vars(module).items():
            if name.isupper() and not name.startswith("_") and isinstance(value, str) and " " in value:
                yield f"{found.name}.{name}", value


def page_sql(*filters: str) -> str:
    """The statement that lists interactions by these filters."""
    recorder = Recorder()
    interactions.page(recorder, "org", Filter(**dict.fromkeys(filters, "x")), limit=1)  # type: ignore[arg-type]
    return recorder.statements[0]


def pages() -> Iterator[tuple[str, str]]:
    for count in range(len(FILTERS) + 1):
        for filters in itertools.combinations(FILTERS, count):
            yield f"interactions by {'+'.join(filters) or 'time'}", page_sql(*filters)


def inserts() -> Iterator[tuple[str, str]]:
    for rows in (1, 2, interactions.ROWS_A_STATEMENT):
        yield f"interactions.add_sql({rows})", interactions.add_sql(rows)
        yield f"lifecycles.add_guards_sql({rows})", lifecycles.add_guards_sql(rows)
        yield f"lifecycles.add_events_sql({rows})", lifecycles.add_events_sql(rows)
        yield f"analyses.store_sql({rows})", analyses.store_sql(rows)
        yield f"analyses.release_sql({rows})", analyses.release_sql(rows)
        yield f"products.put_sql({rows})", products.put_sql(rows)
        yield f"products.by_ids_sql({rows})", products.by_ids_sql(rows)
        yield f"search.count_sql({rows})", search.count_sql(rows)
        yield f"search.counts_sql({rows})", search.counts_sql(rows)
        yield f"search_postgres.put_sql({rows})", search_postgres.put_sql(rows)


def of_conversions(*filters: str) -> Iterator[tuple[str, str]]:
    """The statements that list and sum up conversions by these filters."""
    recorder = Recorder()
    only = conversions.Filter(**dict.fromkeys(filters, "x"))
    conversions.page(recorder, "org", only, limit=1)  # type: ignore[arg-type]
    for by in conversions.GROUPS:
        conversions.totals(recorder, "org", only, by=by, after=conversions.Behind(), limit=1)  # type: ignore[arg-type]
    names = ["conversions", *(f"conversions, a sum by {by}" for by in conversions.GROUPS)]
    for name, sql in zip(names, recorder.statements, strict=True):
        yield f"{name}, of {'+'.join(filters) or 'all'}", sql


def all_of_conversions() -> Iterator[tuple[str, str]]:
    names = tuple(inspect.signature(conversions.Filter).parameters)
    for count in range(len(names) + 1):
        for filters in itertools.combinations(names, count):
            yield from of_conversions(*filters)


def of_audit() -> Iterator[tuple[str, str]]:
    """The statements that list and count audit entries."""
    for event_type, agent in itertools.product((False, True), repeat=2):
        filters = f"event_type={event_type}, agent={agent}"
        yield f"audit.page_sql({filters})", audit.page_sql(event_type=event_type, agent=agent)
        yield f"audit.count_sql({filters})", audit.count_sql(event_type=event_type, agent=agent)


def of_sessions(agent_id: str | None, status: str | None) -> tuple[str, str]:
    """The statement that lists sessions by these filters."""
    recorder = Recorder()
    sessions.page(recorder, "org", agent_id=agent_id, status=status, now=0, limit=1, offset=0)  # type: ignore[arg-type]
    return f"sessions by {agent_id} {status}", recorder.statements[0]


def of_transactions(session_id: str | None, status: str | None) -> tuple[str, str]:
    """The statement that lists transactions by these filters."""
    recorder = Recorder()
    transactions.page(recorder, "org", session_id=session_id, status=status, limit=1, offset=0)  # type: ignore[arg-type]
    return f"transactions by {session_id} {status}", recorder.statements[0]


def of_actions() -> Iterator[tuple[str, str]]:
    """The statements that list what agents may do and do."""
    for one in (None, "x"):
        for status in (None, *sessions.STATUSES):
            yield of_sessions(one, status)
        for status in (None, *transactions.STATUSES):
            yield of_transactions(one, status)


STATEMENTS = {
    **dict(constants()),
    **dict(of_actions()),
    **dict(of_audit()),
    **dict(inserts()),
    **dict(pages()),
    **dict(all_of_conversions()),
}


def of_engine(name: str) -> dict[str, str]:
    """The statements that a kind of database is asked: each has full-text search of its own."""
    other = {"sqlite": "search_postgres.", "postgres": "search_sqlite."}[name]
    return {title: sql for title, sql in STATEMENTS.items() if not title.startswith(other)}


def parameters(sql: str) -> dict[str, None]:
    return dict.fromkeys(re.findall(r"(?<!:):([a-z_]\w*)", sql))


def plan(db: Database, sql: str) -> list[str]:
    """How SQLite goes about it, a line a step."""
    return [
        row["detail"] for row in db.read(lambda tx: tx.all(f"EXPLAIN QUERY PLAN {sql}", **parameters(sql)))
    ]


def test_the_search_for_statements_finds_them() -> None:
    assert {"keys.BY_DIGEST", "windows.TAKE", "interactions.GET", "migrate.RECORD"} <= STATEMENTS.keys()
    assert len(list(pages())) == 2 ** len(FILTERS)


def test_every_filter_there_is_is_tried() -> None:
    assert FILTERS == tuple(inspect.signature(Filter).parameters)


@pytest.fixture
def valid(db: Database) -> Any:
    return lambda sql: db.read(lambda tx: tx.all(f"EXPLAIN {sql}", **parameters(sql)))


def test_every_statement_is_valid_on_the_schema(valid: Any, engine: str) -> None:
    for name, sql in of_engine(engine).items():
        assert valid(sql), name


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_statement_reads_a_whole_table(db: Database) -> None:
    tables = db.read(lambda tx: tx.tables())

    def scanned(sql: str) -> set[str]:
        steps = [step for step in plan(db, sql) if step.startswith("SCAN ") and not step.endswith(WAITING)]
        steps = [step for step in steps if INDEXED not in step]
        found = {step.removeprefix("SCAN ").split()[0] for step in steps}
        # Of other tables SQLite says how it would check foreign keys that were broken before.
        return found & tables & set(re.findall(r"\w+", sql))

    assert {name for name, sql in of_engine("sqlite").items() if scanned(sql)} == MAY_SCAN


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ((), "sqlite_autoindex_interactions_1 (organization_id=?)"),
        (("from_id",), "sqlite_autoindex_interactions_1 (organization_id=? AND id>?)"),
        (("before_id",), "sqlite_autoindex_interactions_1 (organization_id=? AND id<?)"),
        (("agent_id",), "interactions_agent (agent=?)"),
        (("session_id",), "interactions_session (organization_id=? AND session_id=?)"),
        (("user_id",), "interactions_user (organization_id=? AND user_id=?)"),
        (("platform",), "interactions_platform (organization_id=? AND platform=?)"),
        (("system_id",), "interactions_system (organization_id=? AND system_id=?)"),
        (("event_id",), "sqlite_autoindex_interactions_1 (organization_id=? AND id=?)"),
        (("workflow_run_id",), "interactions_workflow (organization_id=? AND workflow_run_id=?)"),
        (("action",), "interactions_action (organization_id=? AND action=?)"),
        (("session_id", "before_id"), "interactions_session (organization_id=? AND session_id=? AND id<?)"),
        (("agent_id", "from_id", "before_id"), "interactions_agent (agent=? AND id>? AND id<?)"),
    ],
)
def test_each_filter_is_answered_by_its_own_index(db: Database, filters: tuple[str, ...], index: str) -> None:
    assert f"SEARCH interactions USING INDEX {index}" in plan(db, page_sql(*filters))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (("from_id", "before_id"), "conversions_time (organization_id=? AND id>? AND id<?)"),
        (("caller_id",), "conversions_caller (organization_id=? AND caller_id=?)"),
        (("catalog", "before_id"), "conversions_catalog (organization_id=? AND catalog=? AND id<?)"),
        (("product_id", "from_id"), "conversions_product (organization_id=? AND product_id=? AND id>?)"),
    ],
)
def test_conversions_are_listed_and_summed_up_by_an_index(
    db: Database, filters: tuple[str, ...], index: str
) -> None:
    for name, sql in of_conversions(*filters):
        steps = plan(db, sql)
        assert f"SEARCH conversions USING INDEX {index}" in steps, name
        assert "a sum" in name or not any("TEMP B-TREE" in step for step in steps), name


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_without_a_filter_no_page_of_conversions_is_sorted_first(db: Database) -> None:
    _, sql = next(of_conversions())
    assert plan(db, sql) == ["SEARCH conversions USING INDEX conversions_time (organization_id=?)"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("page", "index"),
    [
        (of_sessions(None, None), "sessions_organization (organization_id=?)"),
        (of_sessions("x", "active"), "sessions_agent (agent=?)"),
        (of_transactions(None, None), "transactions_organization (organization_id=?)"),
        (of_transactions("x", "pending"), "transactions_session (session=?)"),
    ],
)
def test_what_agents_do_is_listed_by_an_index(db: Database, page: tuple[str, str], index: str) -> None:
    table = index.partition("_")[0]
    assert plan(db, page[1]) == [f"SEARCH {table} USING INDEX {index}"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_page_of_interactions_is_sorted_first(db: Database) -> None:
    sorted_first = [name for name, sql in pages() if any("TEMP B-TREE" in step for step in plan(db, sql))]
    assert [name for name in sorted_first if "event_id" not in name] == []  # of those there is one a system


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("keys.BY_DIGEST", "SEARCH api_keys USING INDEX api_keys_digest (digest=?)"),
        ("agents.GET", "SEARCH agents USING INDEX agents_name (organization_id=? AND agent_id=?)"),
        ("agents.GET", "SEARCH interactions USING COVERING INDEX interactions_agent (agent=?)"),
        ("agents.PAGE", "SEARCH agents USING INDEX agents_name (organization_id=? AND agent_id>?)"),
        ("identities.PAGE", "SEARCH agents USING INDEX agents_identities (organization_id=?)"),
        (
            "agent_tokens.BY_DIGEST",
            "SEARCH refresh_tokens USING INDEX refresh_tokens_digest (digest=?)",
        ),
        ("windows.FORGET", "SEARCH rate_windows USING INDEX rate_windows_age (expires_at<?)"),
        ("idempotency.FORGET", "SEARCH idempotency_keys USING INDEX idempotency_keys_age (created_at<?)"),
        ("analyses.CLAIM", f"SCAN waiting {WAITING}"),
        ("analyses.IS_WAITING", f"SCAN interactions {WAITING}"),
        (
            "analyses.store_sql(50)",
            "SEARCH interactions USING INDEX sqlite_autoindex_interactions_1 (organization_id=? AND id=?)",
        ),
        (
            "interactions.add_sql(2)",
            "SEARCH agents USING INDEX agents_name (organization_id=? AND agent_id=?)",
        ),
    ],
)
def test_what_every_request_needs_is_found_by_its_index(db: Database, name: str, step: str) -> None:
    assert step in plan(db, STATEMENTS[name])
