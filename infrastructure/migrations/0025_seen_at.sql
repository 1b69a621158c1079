-- When that was; NULL: before it was kept.
ALTER TABLE seen_items ADD COLUMN seen_at timestamptz;
