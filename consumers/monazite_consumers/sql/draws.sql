-- Draws as sums per plant, day, kind and basis: registry changes re-sum days, never events.

-- name: post
-- Adds to the sums; a sum that comes to nothing stays as a row of zeros.
INSERT INTO draw_days AS d (plant, day, kind, basis, drawn_g, original_g, events)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::integer[])
ON CONFLICT (plant, day, kind, basis) DO UPDATE
SET drawn_g = d.drawn_g + excluded.drawn_g, original_g = d.original_g + excluded.original_g,
    events = d.events + excluded.events;

-- name: of_plant_year
-- The sums of plants in a year, for judging listings.
SELECT plant, day, kind, sum(drawn_g)::bigint AS drawn_g, sum(events)::bigint AS events FROM draw_days
WHERE plant = ANY($1::text[]) AND day >= $2 AND day < $3 AND basis = ANY($4::text[]) AND (drawn_g <> 0 OR events <> 0)
GROUP BY plant, day, kind ORDER BY plant, day, kind;

-- name: plants
-- Every plant that has drawn.
SELECT DISTINCT plant FROM draw_days ORDER BY plant;
