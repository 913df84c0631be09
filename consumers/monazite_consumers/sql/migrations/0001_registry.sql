-- The regulator's own data: one row per declared fact, every change audited.

CREATE TABLE registry_revisions (
    revision   bigint      PRIMARY KEY CHECK (revision > 0),
    applied_at timestamptz NOT NULL,
    applied_by text        NOT NULL,
    digest     bytea       NOT NULL CHECK (length(digest) = 32)
);

CREATE TABLE registry_entries (
    noun     text  NOT NULL,
    key      text  NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (noun, key)
);

-- before is null for a new entry, after for one that was taken out.
CREATE TABLE registry_changes (
    revision bigint NOT NULL REFERENCES registry_revisions,
    noun     text   NOT NULL,
    key      text   NOT NULL,
    before   jsonb,
    after    jsonb,
    PRIMARY KEY (revision, noun, key),
    CONSTRAINT registry_change_changes CHECK (before IS DISTINCT FROM after)
);
