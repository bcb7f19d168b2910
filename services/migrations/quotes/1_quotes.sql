-- Amounts are cents, times are microseconds since 1970, metadata is JSON.
CREATE TABLE quotes (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    quote_number TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    coverage_amount BIGINT NOT NULL,
    premium BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- The conversion attempt that made the quote CONVERTED.
    converted_by TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX quotes_organization ON quotes (organization_id, created_at);
CREATE INDEX quotes_user ON quotes (user_id, created_at);
CREATE INDEX quotes_status ON quotes (organization_id, status, created_at);
CREATE INDEX quotes_expires_at ON quotes (status, expires_at);

CREATE TABLE quote_status_history (
    id TEXT NOT NULL PRIMARY KEY,
    quote_id TEXT NOT NULL REFERENCES quotes (id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL,
    old_status TEXT,
    new_status TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    reason TEXT,
    metadata TEXT
);
CREATE INDEX quote_status_history_quote ON quote_status_history (quote_id, changed_at);
CREATE INDEX quote_status_history_changed_at ON quote_status_history (changed_at);

-- Conversions whose outcome is not settled yet. No cascade: a quote with one cannot be deleted.
CREATE TABLE conversion_attempts (
    id TEXT NOT NULL PRIMARY KEY,
    quote_id TEXT NOT NULL REFERENCES quotes (id),
    identity TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL
);
CREATE INDEX conversion_attempts_quote ON conversion_attempts (quote_id);
CREATE INDEX conversion_attempts_due_at ON conversion_attempts (due_at);
