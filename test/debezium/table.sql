-- Run before the connector starts: what it finds is read by its snapshot.
CREATE TABLE :"table" (
  id text PRIMARY KEY,
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('film', 'series', 'live')),
  price numeric(9, 2),
  score numeric,
  released date,
  available_at timestamp,
  edited_at timestamptz,
  starts_at time,
  exclusive boolean,
  asset uuid,
  details jsonb,
  synopsis text,
  genres text[]
);
-- A row of more than 2,000 bytes keeps its long values elsewhere: an update that does not touch them leaves them out of the log.
ALTER TABLE :"table" ALTER synopsis SET STORAGE EXTERNAL, ALTER details SET STORAGE EXTERNAL, ALTER genres SET STORAGE EXTERNAL;
ALTER TABLE :"table" SET (toast_tuple_target = 128);
ALTER TABLE :"table" REPLICA IDENTITY :identity;

INSERT INTO :"table" VALUES
  ('t-1', 'Fjord', 'film', 19.90, 7.25, '2025-02-28', '2025-03-01 20:15:00.000001', '2025-03-01 20:15:00.123456+01', '20:15:00.5',
   true, '6f1c0f5e-6a3b-4a57-9d27-0a6d1c5b7e01', '{"rating": "12"}', repeat('fjord ', 350), ARRAY['Drama', 'Nature']),
  ('t-2', 'Harbour', 'series', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('t-3', 'Final', 'live', 9999999.99, -0.001, '1969-12-31', '1999-12-31 23:59:59.999999', '2026-06-30 23:59:59+00', '00:00:00',
   false, NULL, '[1, 2]', 'short', ARRAY[]::text[]);
