-- Amounts are cents, times are microseconds since 1970, metadata is JSON.
CREATE TABLE policies (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    policy_number TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    start_date BIGINT NOT NULL,
    end_date BIGINT NOT NULL,
    premium BIGINT NOT NULL,
    coverage_amount BIGINT NOT NULL,
    -- What the client called this creation: a repetition finds this row.
    idempotency_key TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX policies_organization ON policies (organization_id, created_at);
CREATE INDEX policies_user ON policies (user_id, created_at);
CREATE INDEX policies_status ON policies (organization_id, status, created_at);
CREATE INDEX policies_end_date ON policies (status, end_date);
CREATE UNIQUE INDEX policies_idempotency_key ON policies (organization_id, idempotency_key);

CREATE TABLE policy_status_history (
    id TEXT NOT NULL PRIMARY KEY,
    policy_id TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL,
    old_status TEXT,
    new_status TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    reason TEXT,
    metadata TEXT
);
CREATE INDEX policy_status_history_policy ON policy_status_history (policy_id, changed_at);
CREATE INDEX policy_status_history_changed_at ON policy_status_history (changed_at);
