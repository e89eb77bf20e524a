-- One row per gauge and time; a second one for the same time is ignored.
CREATE TABLE reading (
    gauge TEXT NOT NULL,
    at    TEXT NOT NULL,
    level REAL NOT NULL,
    PRIMARY KEY (gauge, at)
);

-- Alarms are kept for ever: the port authority asks for them in autumn.
CREATE TABLE alarm (
    gauge TEXT NOT NULL,
    kind  TEXT NOT NULL CHECK (kind IN ('LOW', 'HIGH', 'SILENT')),
    at    TEXT NOT NULL,
    text  TEXT NOT NULL
);

-- Corrections in centimetres, each from a time on.
CREATE TABLE gauge_offset (
    gauge TEXT NOT NULL,
    since TEXT NOT NULL,
    centimetres INTEGER NOT NULL
);

CREATE INDEX newest_reading ON reading (gauge, at DESC);
