-- How many refused lines there are beyond those that are listed (infrastructure/import_jobs.py).
ALTER TABLE imports ADD COLUMN unlisted bigint NOT NULL DEFAULT 0;

-- They repeated cells of the header: of a file without one, somebody's data.
DELETE FROM import_refusals WHERE code = 'unknown-column';
