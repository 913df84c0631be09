-- What went into a lot, of whatever lots, is kept with what the lot is: a trace downwards need not add it up.

ALTER TABLE lot_states ADD COLUMN used_g bigint NOT NULL DEFAULT 0;

UPDATE lot_states s SET used_g = u.net_g
FROM (SELECT into_lot, sum(net_g)::bigint AS net_g FROM moves WHERE into_lot IS NOT NULL GROUP BY into_lot) AS u
WHERE u.into_lot = s.lot;
