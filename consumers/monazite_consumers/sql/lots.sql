-- Lots: what each current statement brought into being. Rows are copied in.

-- name: makers
-- Who made these lots.
SELECT l.lot, l.message, l.index, e.event_id FROM lots l JOIN events e USING (message, index)
WHERE l.lot = ANY($1::text[]) ORDER BY l.lot, e.event_id;

-- name: remove
-- Takes out the lots of statements that are not current any more.
DELETE FROM lots USING unnest($1::bigint[], $2::smallint[]) AS k (message, index)
WHERE lots.message = k.message AND lots.index = k.index
RETURNING lots.lot;
