-- Which generation of the master key went into a hash; none for those that are older than this column.
ALTER TABLE credentials ADD COLUMN IF NOT EXISTS pepper smallint;

-- Long enough to be all that is asked for; all that were taken so far are.
ALTER TABLE credentials ADD COLUMN IF NOT EXISTS long boolean NOT NULL DEFAULT true;
ALTER TABLE credentials ALTER COLUMN long DROP DEFAULT;
