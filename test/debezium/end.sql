-- Last of all, so that the recording knows where it ends.
TRUNCATE :"table";
INSERT INTO :"table" (id, name, kind) VALUES ('t-end', 'The End', 'film');
