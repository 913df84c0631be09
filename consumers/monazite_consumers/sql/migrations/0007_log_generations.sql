-- When the log is not what it was: offsets that were lost, and logs that took another's place.

ALTER TABLE intake_positions ADD COLUMN lost bigint NOT NULL DEFAULT 0;
ALTER TABLE intake_positions DROP CONSTRAINT position_adds_up;
ALTER TABLE intake_positions ADD CONSTRAINT position_adds_up
    CHECK (next_offset - start_offset = received + holes + lost);
ALTER TABLE intake_positions ADD CONSTRAINT position_counts CHECK (received >= 0 AND holes >= 0 AND lost >= 0);

-- What the positions passed over, by the day in Asia/Shanghai on which it was noticed: the alerts rest on it.
CREATE TABLE skipped_days (
    topic          text    NOT NULL,
    partition      integer NOT NULL,
    log_generation integer NOT NULL,
    day            date    NOT NULL,
    holes          bigint  NOT NULL,
    lost           bigint  NOT NULL,
    PRIMARY KEY (topic, partition, log_generation, day),
    CONSTRAINT skipped_position FOREIGN KEY (topic, partition, log_generation) REFERENCES intake_positions,
    CONSTRAINT skipped_something CHECK (holes >= 0 AND lost >= 0 AND holes + lost > 0)
);

-- Who took a new log for the old one's, when and why. read_to: the old generation's position, for ever.
CREATE TABLE adoptions (
    topic          text        NOT NULL,
    partition      integer     NOT NULL,
    log_generation integer     NOT NULL,
    adopted_at     timestamptz NOT NULL,
    adopted_by     text        NOT NULL,
    reason         text        NOT NULL,
    read_to        bigint      NOT NULL,
    log_start      bigint      NOT NULL,
    log_end        bigint      NOT NULL,
    PRIMARY KEY (topic, partition, log_generation),
    CONSTRAINT adopted_position FOREIGN KEY (topic, partition, log_generation) REFERENCES intake_positions,
    CONSTRAINT adoption_reason CHECK (reason IN ('position-above-end', 'other-record'))
);
