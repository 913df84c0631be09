-- Caps: what each holder × year × kind has drawn, by day and in all, and how it was judged.

-- name: post_days
-- Adds to the days.
INSERT INTO cap_days AS c (holder, year, kind, day, drawn_g, original_g)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::date[], $5::bigint[], $6::bigint[])
ON CONFLICT (holder, year, kind, day) DO UPDATE
SET drawn_g = c.drawn_g + excluded.drawn_g, original_g = c.original_g + excluded.original_g;

-- name: post
-- Adds to the totals and so locks each cap until the commit; the caller sorts.
INSERT INTO caps AS c (holder, year, kind, drawn_g, original_g)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::bigint[], $5::bigint[])
ON CONFLICT (holder, year, kind) DO UPDATE
SET drawn_g = c.drawn_g + excluded.drawn_g, original_g = c.original_g + excluded.original_g
RETURNING holder, year, kind, drawn_g, original_g;

-- name: days
-- All days of caps, one row a cap.
SELECT c.holder, c.year, c.kind, array_agg(c.day ORDER BY c.day) AS days,
       array_agg(c.drawn_g ORDER BY c.day) AS drawn_g, array_agg(c.original_g ORDER BY c.day) AS original_g
FROM unnest($1::text[], $2::smallint[], $3::text[]) AS k (holder, year, kind)
JOIN cap_days c USING (holder, year, kind)
GROUP BY c.holder, c.year, c.kind;

-- name: judged
-- How caps were judged, for the console and the command line.
UPDATE caps c
SET granted_g = k.granted_g, overrun_first_day = k.first_day, overrun_last_day = k.last_day, overrun_peak_g = k.peak_g
FROM unnest($1::text[], $2::smallint[], $3::text[], $4::bigint[], $5::date[], $6::date[], $7::bigint[])
     AS k (holder, year, kind, granted_g, first_day, last_day, peak_g)
WHERE c.holder = k.holder AND c.year = k.year AND c.kind = k.kind
  AND (c.granted_g, c.overrun_first_day, c.overrun_last_day, c.overrun_peak_g)
      IS DISTINCT FROM (k.granted_g, k.first_day, k.last_day, k.peak_g);

-- name: clear_days
-- Empties the days, before they are summed again under the exclusive registry lock.
DELETE FROM cap_days;

-- name: clear
-- Zeroes the totals; the rows stay, for their locks and for alerts that must recover.
UPDATE caps SET drawn_g = 0, original_g = 0;

-- name: resum_days
-- Sums the days again from the draws, under the mapping of plants to holders that the registry gives.
INSERT INTO cap_days (holder, year, kind, day, drawn_g, original_g)
SELECT m.holder, extract(year FROM d.day)::smallint, d.kind, d.day, sum(d.drawn_g), sum(d.original_g)
FROM draw_days d
JOIN unnest($1::text[], $2::text[], $3::date[], $4::date[]) AS m (plant, holder, since, until)
  ON m.plant = d.plant AND d.day >= m.since AND d.day < m.until
JOIN unnest($5::text[], $6::text[]) AS b (kind, basis) ON b.kind = d.kind AND b.basis = d.basis
WHERE d.drawn_g <> 0 OR d.original_g <> 0
GROUP BY m.holder, d.kind, d.day;

-- name: resum
-- The totals from the days.
INSERT INTO caps AS c (holder, year, kind, drawn_g, original_g)
SELECT holder, year, kind, sum(drawn_g), sum(original_g) FROM cap_days GROUP BY holder, year, kind
ON CONFLICT (holder, year, kind) DO UPDATE SET drawn_g = excluded.drawn_g, original_g = excluded.original_g;

-- name: all
-- Every cap.
SELECT holder, year, kind, drawn_g, original_g, granted_g, overrun_first_day, overrun_last_day, overrun_peak_g
FROM caps ORDER BY year, holder, kind;

-- name: drawn_years
-- The years in which anything was drawn.
SELECT DISTINCT extract(year FROM day)::integer AS year FROM draw_days ORDER BY 1;
