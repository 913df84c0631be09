-- Material: what was on hand, where output came from, and elements, as sums that follow moves.

-- name: open_stocks
-- A month in which something moves begins with what was there at the end of the one before.
INSERT INTO stocks (plant, product, month, moves, net_g, reo_g)
SELECT k.plant, k.product, k.month, 0, coalesce(s.net_g, 0), coalesce(s.reo_g, 0)
FROM unnest($1::text[], $2::text[], $3::date[]) AS k (plant, product, month)
LEFT JOIN LATERAL (
    SELECT s.net_g, s.reo_g FROM stocks s WHERE s.plant = k.plant AND s.product = k.product AND s.month < k.month
    ORDER BY s.month DESC LIMIT 1
) AS s ON true
ON CONFLICT DO NOTHING;

-- name: post_stocks
-- Adds to what was on hand at the end of a month and of every later one.
UPDATE stocks s SET moves = s.moves + d.moves, net_g = s.net_g + d.net_g, reo_g = s.reo_g + d.reo_g
FROM (
    SELECT t.plant, t.product, t.month, coalesce(sum(k.moves) FILTER (WHERE k.month = t.month), 0) AS moves,
           sum(k.net_g) AS net_g, sum(k.reo_g) AS reo_g
    FROM unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::bigint[], $6::bigint[])
         AS k (plant, product, month, moves, net_g, reo_g)
    JOIN stocks t ON t.plant = k.plant AND t.product = k.product AND t.month >= k.month
    GROUP BY t.plant, t.product, t.month
) AS d
WHERE s.plant = d.plant AND s.product = d.product AND s.month = d.month;

-- name: post_outputs
-- Adds to what was made, by where its feed came from and whether its chain is lawful.
INSERT INTO outputs AS o (plant, month, product, step, origin, lawful, lines, net_g, reo_g)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::bigint[], $8::bigint[],
                     $9::bigint[])
ON CONFLICT (plant, month, product, step, origin, lawful) DO UPDATE SET lines = o.lines + excluded.lines,
    net_g = o.net_g + excluded.net_g, reo_g = o.reo_g + excluded.reo_g;

-- name: post_elements
-- Adds to the sums of elements.
INSERT INTO element_flows AS f (plant, month, kind, step, element, moves, oxide_g, squares)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::numeric[])
ON CONFLICT (plant, month, kind, step, element) DO UPDATE SET moves = f.moves + excluded.moves,
    oxide_g = f.oxide_g + excluded.oxide_g, squares = f.squares + excluded.squares;

-- name: opening
-- What plants had of products when a month began.
SELECT p.plant, c.product, s.net_g, s.reo_g
FROM unnest($1::text[]) AS p (plant) CROSS JOIN unnest($2::text[]) AS c (product)
CROSS JOIN LATERAL (
    SELECT s.net_g, s.reo_g FROM stocks s WHERE s.plant = p.plant AND s.product = c.product AND s.month < $3
    ORDER BY s.month DESC LIMIT 1
) AS s
WHERE (s.net_g, s.reo_g) <> (0, 0) ORDER BY p.plant, c.product;

-- name: moved
-- What moved at plants in a month, by product, kind and step.
SELECT plant, product, kind, step, origin, net_g, reo_g, claimed_g, moves, reo_squares
FROM flows WHERE plant = ANY($1::text[]) AND month = $2 AND moves <> 0
ORDER BY plant, product, kind, step, origin;

-- name: coverage
-- What production made at plants in a month, and how much of it by a lawful chain.
SELECT plant, product, sum(net_g)::bigint AS made_g, coalesce(sum(net_g) FILTER (WHERE lawful), 0)::bigint AS lawful_g
FROM outputs WHERE plant = ANY($1::text[]) AND month = $2 AND lines <> 0
GROUP BY plant, product ORDER BY plant, product;

-- name: origins
-- What production made at plants in a month, by where the feed came from.
SELECT plant, step, product, origin, sum(net_g)::bigint AS net_g, sum(reo_g)::bigint AS reo_g
FROM outputs WHERE plant = ANY($1::text[]) AND month = $2 AND lines <> 0
GROUP BY plant, step, product, origin ORDER BY plant, step, product, origin;

-- name: elements
-- Elements that moved at plants in a month; without a name, the REO of what no assay tells the elements of.
SELECT plant, kind, step, element, oxide_g, squares, moves
FROM element_flows WHERE plant = ANY($1::text[]) AND month = $2 AND moves <> 0 ORDER BY plant, element, kind, step;
