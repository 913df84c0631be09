-- Months of plants that never sent anything: in a database of an earlier release nothing has put them in doubt.

INSERT INTO doubts (noun, key)
SELECT 'month', p.key || ' ' || to_char(m.month, 'YYYY-MM')
FROM registry_entries p
CROSS JOIN platform f
CROSS JOIN LATERAL generate_series(
    (SELECT date_trunc('month', min((d.document ->> 'since')::timestamp)) FROM registry_entries d WHERE d.noun = 'duties'),
    f.judged_at AT TIME ZONE 'Asia/Shanghai' - interval '1 month', '1 month'
) AS m (month)
WHERE p.noun = 'plants'
ON CONFLICT DO NOTHING;
