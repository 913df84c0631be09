-- The regulator's own data: what is declared now, and who changed what and when.

-- name: revision
-- The revision in force; no row before the first apply.
SELECT revision, digest FROM registry_revisions ORDER BY revision DESC LIMIT 1;

-- name: entries
-- Everything that is declared, keys that were taken out, and the revision: one snapshot. At least one row, then without a noun.
SELECT r.revision, e.noun, e.key, e.document, e.is_former
FROM (SELECT coalesce(max(revision), 0) AS revision FROM registry_revisions) r
LEFT JOIN (
    SELECT noun, key, document, false AS is_former FROM registry_entries
    UNION ALL
    (SELECT DISTINCT ON (c.key) c.noun, c.key, c.before, true FROM registry_changes c
     WHERE c.noun = 'gateway_keys' AND c.after IS NULL
       AND NOT EXISTS (SELECT FROM registry_entries d WHERE d.noun = c.noun AND d.key = c.key)
     ORDER BY c.key, c.revision DESC)
) e ON true
ORDER BY e.noun, e.key;

-- name: exclude_decisions
-- Waits for the deciding transactions under way and holds new ones off until this one ends.
SELECT pg_advisory_xact_lock($1);

-- name: at_revision
-- The last change of every entry until a revision.
SELECT DISTINCT ON (noun, key) noun, key, before, after FROM registry_changes WHERE revision <= $1
ORDER BY noun, key, registry_changes.revision DESC;

-- name: put
-- Declares entries, new or changed.
INSERT INTO registry_entries (noun, key, document)
SELECT * FROM unnest($1::text[], $2::text[], $3::jsonb[])
ON CONFLICT (noun, key) DO UPDATE SET document = excluded.document;

-- name: drop
-- Takes entries out.
DELETE FROM registry_entries
USING unnest($1::text[], $2::text[]) AS gone (noun, key)
WHERE registry_entries.noun = gone.noun AND registry_entries.key = gone.key;

-- name: record_revision
-- A new revision: who applied it, when, and the digest of all entries after it.
INSERT INTO registry_revisions (revision, applied_at, applied_by, digest) VALUES ($1, $2, $3, $4);

-- name: record_changes
-- What a revision changed.
INSERT INTO registry_changes (revision, noun, key, before, after)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::jsonb[], $5::jsonb[]);

-- name: history
-- Every change of every entry, newest first.
SELECT c.revision, r.applied_at, r.applied_by, c.noun, c.key, c.before, c.after
FROM registry_changes c JOIN registry_revisions r USING (revision)
ORDER BY c.revision DESC, c.noun, c.key;

-- name: public_keys
-- Every public key that a key id has ever named, whether it is declared still or not.
SELECT DISTINCT key, document->>'public' AS public
FROM registry_changes CROSS JOIN LATERAL (VALUES (before), (after)) AS known (document)
WHERE noun = 'gateway_keys' AND document IS NOT NULL AND key = ANY($1::text[]);
