-- Run while the connector streams. Each statement is a transaction of its own, unless it says otherwise.
INSERT INTO :"table" VALUES ('t-4', 'Night Train', 'film', 0.05, 100, '2026-01-01', '2026-01-01 00:00:00', '2026-01-01 00:00:00.5-05', '23:59:59.999999',
  false, NULL, '{"rating": "16"}', repeat('train ', 350), ARRAY['Thriller']);
-- The long values do not change, and are not in the log.
UPDATE :"table" SET price = 21.50 WHERE id = 't-1';
UPDATE :"table" SET name = 'Harbour Lights', released = '2026-11-21', price = -1.5, genres = ARRAY['Drama', NULL] WHERE id = 't-2';
-- A long text becomes null.
UPDATE :"table" SET synopsis = NULL WHERE id = 't-4';
-- Several changes of one row at one commit.
BEGIN;
UPDATE :"table" SET name = 'Zenith' WHERE id = 't-3';
UPDATE :"table" SET name = 'Finale' WHERE id = 't-3';
COMMIT;
-- Another primary key.
UPDATE :"table" SET id = 't-40' WHERE id = 't-4';
DELETE FROM :"table" WHERE id = 't-2';
-- Another column: another version of the schema.
ALTER TABLE :"table" ADD COLUMN age_limit smallint;
INSERT INTO :"table" (id, name, kind, age_limit) VALUES ('t-5', 'Deep Sea', 'series', 12);
UPDATE :"table" SET age_limit = 6, genres = ARRAY['Nature'] WHERE id = 't-1';
