//! What users have put on the tables of an extension, when the new server has another version of it.

use pgtandem_lab::{Server, shared};

use crate::support::{Oracle, Program, assert_same, install_extension, prepare_server};

const ON_ITS_TABLES: &str = "
    CREATE EXTENSION tandem_attached;
    CREATE INDEX mine ON job (name, note);
    CREATE INDEX mine_of_old ON job (old_only, id);
    CREATE INDEX mine_of_gone ON only_in_1 (a);
    COMMENT ON INDEX mine IS 'by me';
    COMMENT ON INDEX job_changes IS 'by me, on the script''s';
    CREATE STATISTICS mine_pairs ON note, name FROM job;
    COMMENT ON STATISTICS mine_pairs IS 'by me';
    CREATE POLICY mine ON job FOR SELECT TO alice USING (id > 0);
    ALTER TABLE job ADD CONSTRAINT mine CHECK (id >= 0);
    CREATE TABLE ours (id int REFERENCES job);";

#[test]
fn what_hangs_on_an_extension_of_another_version() {
    let (old, new) = (Server::start(15).unwrap(), shared(18).unwrap());
    prepare_server(&old);
    prepare_server(new);
    install_extension(&old, "tandem_attached", "1.0");
    old.psql("postgres", "CREATE DATABASE attached").unwrap();
    old.psql("attached", &ON_ITS_TABLES.replace("tandem_attached", "tandem_attached VERSION '1.0'")).unwrap();
    install_extension(new, "tandem_attached", "2.0");
    let before = Oracle::of(&old, "attached");

    let ran = Program::upgrade(&old.url("attached"), &new.url("attached")).succeed();

    assert_same("the old database", &before, 0, &Oracle::of(&old, "attached"), 0, &[]);
    ran.tells(&[
        "STATISTICS public.mine_pairs: was made on a relation of an extension",
        "INDEX public.mine: was made on a relation of an extension",
        "POLICY public.job mine: was made on a relation of an extension",
        "CHECK CONSTRAINT public.job mine: was made on a relation of an extension",
        "INDEX public.mine_of_old: is left out",
        "INDEX public.job_only_in_1: is left out",
        "INDEX public.mine_of_gone: is left out",
        "INDEX public.job_changes: the extension of the new server brings it along",
    ]);
    assert!(
        !ran.told().contains("job_by_name") && !ran.told().contains(" touched") && !ran.told().contains("job_pairs"),
        "{}",
        ran.told()
    );
    let indexes = "SELECT string_agg(relname || coalesce(': ' || obj_description(c.oid), ''), ', ' ORDER BY relname)
        FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE indrelid = 'job'::regclass";
    assert_eq!(
        new.psql("attached", indexes).unwrap().trim(),
        "job_by_name: by the script, job_changes: by me, on the script's, job_only_in_2, job_pkey, mine: by me"
    );
}
