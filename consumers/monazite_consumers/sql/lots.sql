-- Lots: what each current statement brought into being. Rows are copied in.

-- name: makers
-- Who made these lots; two of them are enough to know that a number is shared.
SELECT l.lot, l.message, l.index FROM unnest($1::text[]) AS k (lot)
CROSS JOIN LATERAL (SELECT m.lot, m.message, m.index FROM lots m WHERE m.lot = k.lot LIMIT 2) AS l;

-- name: shared
-- Of these statements those that made lots which others made too, and how many such lots each made.
SELECT l.message, l.index, l.plant, e.arrived_at, count(*) AS lots
FROM unnest($1::bigint[], $2::smallint[]) AS k (message, index)
JOIN lots l USING (message, index) JOIN envelopes e ON e.message = l.message
WHERE EXISTS (SELECT FROM lots o WHERE o.lot = l.lot AND (o.message, o.index) <> (l.message, l.index))
GROUP BY l.message, l.index, l.plant, e.arrived_at;

-- name: remove
-- Takes out the lots of statements that are not current any more.
DELETE FROM lots USING unnest($1::bigint[], $2::smallint[]) AS k (message, index)
WHERE lots.message = k.message AND lots.index = k.index
RETURNING lots.lot;
