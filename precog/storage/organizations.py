"""Organizations: who owns everything, and what their plan allows."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import Row, Transaction


@dataclass(frozen=True, slots=True)
class Organization:
    """One organization; a limit of None is unlimited."""

    id: str
    name: str
    plan: str
    agent_limit: int | None
    impact_events_per_month: int | None
    requests_per_minute: int | None
    burst: int | None
    active_agents: int
    created_at: int


def from_row(row: Row) -> Organization:
    """The organization in a row that has its columns."""
    return Organization(
        row["id"],
        row["name"],
        row["plan"],
        row["agent_limit"],
        row["impact_events_per_month"],
        row["requests_per_minute"],
        row["burst"],
        row["active_agents"],
        row["created_at"],
    )


ADD = """
INSERT INTO organizations (id, name, plan, agent_limit, impact_events_per_month, requests_per_minute, burst,
                           created_at)
VALUES (:id, :name, :plan, :agent_limit, :impact_events_per_month, :requests_per_minute, :burst, :created_at)
"""


def add(
    tx: Transaction,
    *,
    id: str,
    name: str,
    plan: str,
    agent_limit: int | None,
    impact_events_per_month: int | None,
    requests_per_minute: int | None,
    burst: int | None,
    created_at: int,
) -> None:
    """Store a new organization."""
    tx.run(
        ADD,
        id=id,
        name=name,
        plan=plan,
        agent_limit=agent_limit,
        impact_events_per_month=impact_events_per_month,
        requests_per_minute=requests_per_minute,
        burst=burst,
        created_at=created_at,
    )


GET = "SELECT * FROM organizations WHERE id = :id"


def get(tx: Transaction, id: str) -> Organization | None:
    """The organization, or None."""
    row = tx.one(GET, id=id)
    return None if row is None else from_row(row)


ALL = "SELECT * FROM organizations ORDER BY created_at, id"


def all(tx: Transaction) -> list[Organization]:
    """Every organization, oldest first."""
    return [from_row(row) for row in tx.all(ALL)]


OLDEST = "SELECT * FROM organizations ORDER BY created_at, id LIMIT 1"


def oldest(tx: Transaction) -> Organization | None:
    """The organization that runs this server: the first that there was, or None."""
    row = tx.one(OLDEST)
    return None if row is None else from_row(row)


SET_PLAN = """
UPDATE organizations
SET plan = :plan, agent_limit = :agent_limit, impact_events_per_month = :impact_events_per_month,
    requests_per_minute = :requests_per_minute, burst = :burst
WHERE id = :id
"""


def set_plan(
    tx: Transaction,
    *,
    id: str,
    plan: str,
    agent_limit: int | None,
    impact_events_per_month: int | None,
    requests_per_minute: int | None,
    burst: int | None,
) -> bool:
    """Change the plan and its limits; False when there is no such organization."""
    return (
        tx.run(
            SET_PLAN,
            id=id,
            plan=plan,
            agent_limit=agent_limit,
            impact_events_per_month=impact_events_per_month,
            requests_per_minute=requests_per_minute,
            burst=burst,
        )
        > 0
    )


LOCK = "UPDATE organizations SET active_agents = active_agents WHERE id = :id"


def lock(tx: Transaction, id: str) -> None:
    """Keep other transactions from taking agent slots until the end of this one."""
    tx.run(LOCK, id=id)


# One statement takes the slot and decides, also among processes: the row's lock orders them.
TAKE_AGENT_SLOT = """
UPDATE organizations SET active_agents = active_agents + 1
WHERE id = :id AND (agent_limit IS NULL OR active_agents < agent_limit)
RETURNING active_agents
"""


def take_agent_slot(tx: Transaction, id: str) -> bool:
    """Take one of the plan's agent slots; False when all are taken."""
    return tx.one(TAKE_AGENT_SLOT, id=id) is not None


FREE_AGENT_SLOT = "UPDATE organizations SET active_agents = active_agents - 1 WHERE id = :id"


def free_agent_slot(tx: Transaction, id: str) -> None:
    """Give one agent slot back."""
    tx.run(FREE_AGENT_SLOT, id=id)
