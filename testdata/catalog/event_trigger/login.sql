-- since: 17
-- Nobody gets in before the database bears its name.
CREATE SCHEMA s;
CREATE FUNCTION s.on_login() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_database() LIKE '%tandem' THEN
        RAISE 'not yet';
    END IF;
END
$$;
CREATE TABLE s.t (a text COLLATE "und-x-icu" PRIMARY KEY);
INSERT INTO s.t VALUES ('a');
CREATE EVENT TRIGGER at_the_door ON login EXECUTE PROCEDURE s.on_login();
ALTER EVENT TRIGGER at_the_door ENABLE ALWAYS;
