-- A restored database judges every alert again once what was forgotten has been read again.

-- When watch judges every alert anew; null unless the database was restored a while ago.
ALTER TABLE platform ADD COLUMN judge_again_at timestamptz;
