-- The whole database of Precog, one text for SQLite (3.35 or later) and PostgreSQL (13 or later).
--
-- Ids are made in Python. Times are unix milliseconds (UTC) from the server's clock; null means
-- "has not happened". JSON is kept as text. Secrets are kept only as keyed digests, in hex.

CREATE TABLE IF NOT EXISTS schema_version (
    version BIGINT NOT NULL PRIMARY KEY,
    applied_at BIGINT NOT NULL
);

-- What the readiness probe writes, to learn whether a write can be made durable.
CREATE TABLE IF NOT EXISTS readiness_probes (
    name TEXT NOT NULL PRIMARY KEY,
    probed_at BIGINT NOT NULL
);

-- The limits are the plan's, copied when the plan is set, so that an organization can have its
-- own; null means unlimited. active_agents counts the taken agent slots, and the statement that
-- takes one decides by it.
CREATE TABLE IF NOT EXISTS organizations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    agent_limit BIGINT,
    impact_events_per_month BIGINT,
    requests_per_minute BIGINT,
    burst BIGINT,
    active_agents BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

-- An application whose traffic is guarded; a key may be bound to one.
CREATE TABLE IF NOT EXISTS systems (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Two systems of an organization do not share a name; also lists an organization's systems.
CREATE UNIQUE INDEX IF NOT EXISTS systems_name ON systems (organization_id, name);

-- digest is HMAC-SHA256 of the key under the server's pepper; display is its first characters.
CREATE TABLE IF NOT EXISTS api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    system_id TEXT REFERENCES systems (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    environment TEXT NOT NULL,
    display TEXT NOT NULL,
    digest TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT,
    rotated_to TEXT REFERENCES api_keys (id)
);

-- Finds the key that a request presents.
CREATE UNIQUE INDEX IF NOT EXISTS api_keys_digest ON api_keys (digest);
-- Lists an organization's keys.
CREATE INDEX IF NOT EXISTS api_keys_organization ON api_keys (organization_id, created_at);

-- The versions of a system's policy, JSON each. Version 1 is the default and has no row; of two changes
-- at once the key decides which is n + 1. key_id is who made it, null for the command line.
CREATE TABLE IF NOT EXISTS system_policies (
    system_id TEXT NOT NULL REFERENCES systems (id),
    version BIGINT NOT NULL,
    policy TEXT NOT NULL,
    key_id TEXT REFERENCES api_keys (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (system_id, version)
);

-- agent_id is the name that senders use; deactivated_at frees the slot;
-- thresholds is JSON and overrides its system's policy.
--
-- An identity is an agent with a key: id and agent_id are its UUID, public_key is PEM, key_fingerprint the
-- SHA-256 of its DER, secret_digest HMAC-SHA256 of its secret under the server's pepper, scopes JSON.
-- revoked_at is final, and then deactivated_at is set as well; last_auth_at is exact to a minute.
CREATE TABLE IF NOT EXISTS agents (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    agent_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deactivated_at BIGINT,
    thresholds TEXT,
    name TEXT,
    public_key TEXT,
    key_fingerprint TEXT,
    secret_digest TEXT,
    scopes TEXT,
    suspended_at BIGINT,
    revoked_at BIGINT,
    last_auth_at BIGINT,
    updated_at BIGINT
);

-- One agent a name; decides which of two first posts creates it. Also pages the list by name.
CREATE UNIQUE INDEX IF NOT EXISTS agents_name ON agents (organization_id, agent_id);
-- Lists an organization's identities, newest first.
CREATE INDEX IF NOT EXISTS agents_identities ON agents (organization_id, created_at, id)
    WHERE public_key IS NOT NULL;

-- The keys that sign access tokens, of all servers on this database. private_sealed is encrypted under a key
-- that is derived from the server's secret_key. A key is published from created_at on, signs from signs_from on
-- until retired_at, which may be to come, and its tokens are good until last_signed_until at the latest; so long it
-- stays published.
CREATE TABLE IF NOT EXISTS signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    public_jwk TEXT NOT NULL,
    private_sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    retired_at BIGINT,
    last_signed_until BIGINT NOT NULL
);

-- One key is the newest; decides which of two servers that start together makes it.
CREATE UNIQUE INDEX IF NOT EXISTS signing_keys_current ON signing_keys ((retired_at IS NULL))
    WHERE retired_at IS NULL;

-- digest is HMAC-SHA256 of the token under the server's pepper.
CREATE TABLE IF NOT EXISTS refresh_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    agent TEXT NOT NULL REFERENCES agents (id),
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    digest TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- Finds the refresh token that a request presents.
CREATE UNIQUE INDEX IF NOT EXISTS refresh_tokens_digest ON refresh_tokens (digest);
-- Finds the tokens that are old enough to forget.
CREATE INDEX IF NOT EXISTS refresh_tokens_age ON refresh_tokens (expires_at);

-- Access tokens that were ended before they expired; the id of a refresh token stands for all that came of it.
CREATE TABLE IF NOT EXISTS revoked_tokens (
    jti TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- Finds those that have expired meanwhile.
CREATE INDEX IF NOT EXISTS revoked_tokens_age ON revoked_tokens (expires_at);

-- Assertions by which agents proved that they hold their key; the key decides that each is taken once. jti is
-- a digest of the agent's own.
CREATE TABLE IF NOT EXISTS used_assertions (
    agent TEXT NOT NULL REFERENCES agents (id),
    jti TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (agent, jti)
);

-- Finds those that have expired meanwhile.
CREATE INDEX IF NOT EXISTS used_assertions_age ON used_assertions (expires_at);

-- What an agent may do in one go. Money is in ten-thousandths of a dollar; a limit of null is none.
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    agent TEXT NOT NULL REFERENCES agents (id),
    max_actions BIGINT,
    action_count BIGINT NOT NULL DEFAULT 0,
    max_value_e4 BIGINT,
    value_used_e4 BIGINT NOT NULL DEFAULT 0,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);

-- Lists an organization's sessions, newest first; the other those of an agent.
CREATE INDEX IF NOT EXISTS sessions_organization ON sessions (organization_id, created_at, id);
CREATE INDEX IF NOT EXISTS sessions_agent ON sessions (agent, created_at, id);

-- What an agent did, and what it was like before and after: pre_state, post_state and rollback_procedure are
-- JSON. sequence_number counts within the session.
CREATE TABLE IF NOT EXISTS transactions (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    agent TEXT NOT NULL REFERENCES agents (id),
    session TEXT REFERENCES sessions (id),
    sequence_number BIGINT,
    action_type TEXT,
    value_e4 BIGINT,
    pre_state TEXT NOT NULL,
    post_state TEXT,
    rollback_procedure TEXT,
    rollback_confidence TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'committed', 'rolled_back')),
    created_at BIGINT NOT NULL,
    committed_at BIGINT,
    rolled_back_at BIGINT,
    reason TEXT
);

-- Lists an organization's transactions, newest first; the others those of a session and of an agent.
CREATE INDEX IF NOT EXISTS transactions_organization ON transactions (organization_id, created_at, id);
CREATE INDEX IF NOT EXISTS transactions_session ON transactions (session, created_at, id)
    WHERE session IS NOT NULL;
CREATE INDEX IF NOT EXISTS transactions_agent ON transactions (agent, created_at, id);
-- No two transactions of a session have the same number.
CREATE UNIQUE INDEX IF NOT EXISTS transactions_sequence ON transactions (session, sequence_number)
    WHERE session IS NOT NULL;

-- What was changed, one chain an organization: entry_hash is the SHA-256 of the entry with previous_hash.
-- metadata is canonical JSON (RFC 8785), as it was hashed. Nothing in here refers to a row that could keep
-- an entry from being written.
CREATE TABLE IF NOT EXISTS audit_entries (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    sequence_number BIGINT NOT NULL,
    id TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    entry_hash TEXT NOT NULL,
    event_type TEXT NOT NULL,
    agent TEXT,
    session_id TEXT,
    transaction_id TEXT,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, sequence_number)
);

-- An entry has one follower, so the chain cannot fork.
CREATE UNIQUE INDEX IF NOT EXISTS audit_entries_chain ON audit_entries (organization_id, previous_hash);
-- Each serves one filter of the list, newest first.
CREATE INDEX IF NOT EXISTS audit_entries_event ON audit_entries (organization_id, event_type, sequence_number);
CREATE INDEX IF NOT EXISTS audit_entries_agent ON audit_entries (organization_id, agent, sequence_number)
    WHERE agent IS NOT NULL;

-- Where each chain ends: the number and the hash of its newest entry. Whoever adds one holds the row until the
-- end of its transaction, so the chain grows by one transaction at a time.
CREATE TABLE IF NOT EXISTS audit_heads (
    organization_id TEXT NOT NULL PRIMARY KEY REFERENCES organizations (id),
    sequence_number BIGINT NOT NULL,
    entry_hash TEXT NOT NULL
);

-- id begins with the time of receipt, so it orders by time. metadata, tool_calls, extra (the
-- top-level fields nobody knows) and native (a platform's own body, whole) are JSON.
--
-- Telemetry's rows have an agent. A system's rows have an event_id, under which three reports may meet:
-- guard (the verdict before the model was called, JSON; action is what was enforced), what happened
-- afterwards (ingested_at; prompt_sent where it differs from the prompt that was judged), and how long
-- its sender took to tell it (finalized_at).
--
-- What detection found is in findings (JSON) and risk_score; analyzed_at is null until all of the row was
-- looked at, which whoever has the claim does until it ends.
CREATE TABLE IF NOT EXISTS interactions (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    agent TEXT REFERENCES agents (id),
    system_id TEXT REFERENCES systems (id),
    event_id TEXT,
    event_category TEXT,
    workflow_run_id TEXT,
    platform TEXT,
    session_id TEXT,
    user_id TEXT,
    conversation_id TEXT,
    prompt TEXT NOT NULL,
    response TEXT NOT NULL,
    metadata TEXT,
    tool_calls TEXT,
    extra TEXT,
    native TEXT,
    prompt_sent TEXT,
    guard TEXT,
    action TEXT,
    guarded_at BIGINT,
    ingested_at BIGINT,
    finalized_at BIGINT,
    sdk_ingest_ms DOUBLE PRECISION,
    findings TEXT,
    risk_score DOUBLE PRECISION,
    analyzed_at BIGINT,
    claimed_until BIGINT,
    occurred_at BIGINT,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- One row an event of a system; decides which report is the first of its kind. Also finds an event's rows.
CREATE UNIQUE INDEX IF NOT EXISTS interactions_event ON interactions (event_id, system_id)
    WHERE event_id IS NOT NULL;
-- Finds what is still to be analyzed, oldest first.
CREATE INDEX IF NOT EXISTS interactions_unanalyzed ON interactions (id) WHERE analyzed_at IS NULL;

-- Each serves one filter of the list, newest first; the last also an agent's last activity.
CREATE INDEX IF NOT EXISTS interactions_session ON interactions (organization_id, session_id, id)
    WHERE session_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS interactions_user ON interactions (organization_id, user_id, id)
    WHERE user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS interactions_platform ON interactions (organization_id, platform, id)
    WHERE platform IS NOT NULL;
CREATE INDEX IF NOT EXISTS interactions_system ON interactions (organization_id, system_id, id)
    WHERE system_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS interactions_workflow ON interactions (organization_id, workflow_run_id, id)
    WHERE workflow_run_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS interactions_action ON interactions (organization_id, action, id)
    WHERE action IS NOT NULL;
CREATE INDEX IF NOT EXISTS interactions_agent ON interactions (agent, id)
    WHERE agent IS NOT NULL;

-- The answer to a retry: the first interaction under a key, and what its body was.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    organization_id TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    interaction_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, idempotency_key)
);

-- Finds the keys that are old enough to forget.
CREATE INDEX IF NOT EXISTS idempotency_keys_age ON idempotency_keys (created_at);

-- Security moments that count against the plan's month; over_quota ones are kept, but trigger nothing.
-- agent is null where a system's event names none.
CREATE TABLE IF NOT EXISTS impact_events (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    id TEXT NOT NULL,
    agent TEXT REFERENCES agents (id),
    interaction_id TEXT,
    kind TEXT NOT NULL,
    over_quota SMALLINT NOT NULL CHECK (over_quota IN (0, 1)),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- One event an interaction, whoever finds it.
CREATE UNIQUE INDEX IF NOT EXISTS impact_events_interaction ON impact_events (organization_id, interaction_id)
    WHERE interaction_id IS NOT NULL;

-- Hits in fixed windows, one row a bucket and window. quota is what the latest hit was measured by.
CREATE TABLE IF NOT EXISTS rate_windows (
    bucket TEXT NOT NULL,
    window_start BIGINT NOT NULL,
    hits BIGINT NOT NULL,
    quota BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, window_start)
);

-- Finds windows that no decision needs any more.
CREATE INDEX IF NOT EXISTS rate_windows_age ON rate_windows (expires_at);

-- A recommendation agent that outside agents find by its slug. claims (JSON) is what its operator vouches for;
-- removed_at keeps what was attributed to it, and its slug.
CREATE TABLE IF NOT EXISTS catalogs (
    slug TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    business TEXT NOT NULL,
    description TEXT,
    industry TEXT,
    claims TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    removed_at BIGINT
);

-- Lists an organization's catalogues, by slug.
CREATE UNIQUE INDEX IF NOT EXISTS catalogs_organization ON catalogs (organization_id, slug);

-- id is made of the slug and the operator's SKU, so it outlives an import; price_e4 is the price in
-- ten-thousandths; attributes (JSON) are the columns that have no name of their own.
CREATE TABLE IF NOT EXISTS products (
    id TEXT NOT NULL PRIMARY KEY,
    catalog TEXT NOT NULL REFERENCES catalogs (slug),
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    price_e4 BIGINT NOT NULL,
    currency TEXT NOT NULL,
    url TEXT,
    image_url TEXT,
    notes TEXT,
    attributes TEXT,
    updated_at BIGINT NOT NULL
);

-- One product a SKU; decides whether an import makes or changes it. Also lists a catalogue's products.
CREATE UNIQUE INDEX IF NOT EXISTS products_sku ON products (catalog, sku);

-- In how many of a catalogue's products a word's stem stands: by it a search knows how much the word tells. What
-- products are found by is in search.sqlite.sql and search.postgres.sql.
CREATE TABLE IF NOT EXISTS catalog_words (
    catalog TEXT NOT NULL REFERENCES catalogs (slug),
    word TEXT NOT NULL,
    products BIGINT NOT NULL,
    PRIMARY KEY (catalog, word)
);

-- An outside agent that registered itself; id is public. key_digest is HMAC-SHA256 of its key under the
-- server's pepper, key_display the key's first characters; revenue_share_e2 is percent x 100, a partner's.
CREATE TABLE IF NOT EXISTS callers (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    contact_email TEXT,
    description TEXT,
    key_display TEXT NOT NULL,
    key_digest TEXT NOT NULL,
    tier TEXT NOT NULL CHECK (tier IN ('standard', 'elevated', 'partner')),
    revenue_share_e2 BIGINT,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

-- Finds the caller whose key a request presents.
CREATE UNIQUE INDEX IF NOT EXISTS callers_key ON callers (key_digest);
-- Lists an organization's callers, by id.
CREATE UNIQUE INDEX IF NOT EXISTS callers_organization ON callers (organization_id, id);

-- The tiers that a caller was given, numbered from 1; before the first it had the standard one. key_id is who
-- gave it, null for the command line.
CREATE TABLE IF NOT EXISTS caller_grants (
    caller_id TEXT NOT NULL REFERENCES callers (id),
    id BIGINT NOT NULL,
    tier TEXT NOT NULL,
    revenue_share_e2 BIGINT,
    granted_at BIGINT NOT NULL,
    key_id TEXT REFERENCES api_keys (id),
    PRIMARY KEY (caller_id, id)
);

-- What outside agents sold. caller_id is set when the sender had a caller's key; caller_agent_id is then the same,
-- else `agent:` and what it called itself, which no caller's id can be, or '' when nothing. Money is in
-- ten-thousandths; tier and share are as they were at that moment.
CREATE TABLE IF NOT EXISTS conversions (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    catalog TEXT NOT NULL REFERENCES catalogs (slug),
    session_id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    caller_agent_id TEXT NOT NULL,
    caller_id TEXT REFERENCES callers (id),
    value_e4 BIGINT NOT NULL,
    currency TEXT NOT NULL,
    tier TEXT NOT NULL,
    revenue_share_e2 BIGINT,
    share_e4 BIGINT,
    created_at BIGINT NOT NULL
);

-- One conversion a product, session and sender; decides which report of it is the first.
CREATE UNIQUE INDEX IF NOT EXISTS conversions_once ON conversions (session_id, product_id, caller_agent_id);
-- Lists an organization's conversions by time, which id begins with; the others serve one filter of the list each.
CREATE UNIQUE INDEX IF NOT EXISTS conversions_time ON conversions (organization_id, id);
CREATE INDEX IF NOT EXISTS conversions_caller ON conversions (organization_id, caller_id, id)
    WHERE caller_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS conversions_catalog ON conversions (organization_id, catalog, id);
CREATE INDEX IF NOT EXISTS conversions_product ON conversions (organization_id, product_id, id);
