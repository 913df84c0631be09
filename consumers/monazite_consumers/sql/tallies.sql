-- Tallies: messages by outcome, kept in the deciding transaction.

-- name: post
-- Adds to the tallies.
INSERT INTO tallies AS t (topic, partition, log_generation, outcome, messages)
SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::bigint[])
ON CONFLICT (topic, partition, log_generation, outcome) DO UPDATE SET messages = t.messages + excluded.messages;

-- name: all
-- Every tally beside the position that it must add up to.
SELECT p.topic, p.partition, p.log_generation, p.received,
       coalesce(sum(t.messages) FILTER (WHERE t.outcome = 'applied'), 0)::bigint AS applied,
       coalesce(sum(t.messages) FILTER (WHERE t.outcome = 'awaiting'), 0)::bigint AS awaiting,
       coalesce(sum(t.messages) FILTER (WHERE t.outcome = 'duplicate'), 0)::bigint AS duplicate,
       coalesce(sum(t.messages) FILTER (WHERE t.outcome = 'refused'), 0)::bigint AS refused
FROM intake_positions p LEFT JOIN tallies t USING (topic, partition, log_generation)
GROUP BY p.topic, p.partition, p.log_generation, p.received
ORDER BY 1, 2, 3;
