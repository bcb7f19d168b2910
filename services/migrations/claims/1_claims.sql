-- Amounts are cents, times are microseconds since 1970, metadata is JSON.
CREATE TABLE claims (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    policy_id TEXT NOT NULL,
    claim_number TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    incident_date BIGINT NOT NULL,
    description TEXT NOT NULL,
    claim_amount BIGINT NOT NULL,
    approved_amount BIGINT,
    denial_reason TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX claims_organization ON claims (organization_id, created_at);
CREATE INDEX claims_user ON claims (user_id, created_at);
CREATE INDEX claims_status ON claims (organization_id, status, created_at);
CREATE INDEX claims_policy ON claims (policy_id);

CREATE TABLE claim_status_history (
    id TEXT NOT NULL PRIMARY KEY,
    claim_id TEXT NOT NULL REFERENCES claims (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL,
    old_status TEXT,
    new_status TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    reason TEXT,
    metadata TEXT
);
CREATE INDEX claim_status_history_claim ON claim_status_history (claim_id, changed_at);
CREATE INDEX claim_status_history_changed_at ON claim_status_history (changed_at);
