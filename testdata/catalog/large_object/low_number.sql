-- A number that is lower than those that servers give out.
SELECT lo_create(4711);
COMMENT ON LARGE OBJECT 4711 IS 'chosen by its maker';
