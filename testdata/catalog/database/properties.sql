DO $$
BEGIN
    EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), 'it''s \ ours');
    EXECUTE format('ALTER DATABASE %I OWNER TO alice', current_database());
    EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 7', current_database());
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CREATE ON DATABASE %I TO bob WITH GRANT OPTION', current_database());
    EXECUTE format('ALTER DATABASE %I SET search_path = "$user", "we ird", public', current_database());
    EXECUTE format('ALTER DATABASE %I SET work_mem = ''7MB''', current_database());
    EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
    EXECUTE format('ALTER ROLE "Carol ""C"" O''x=y/z" IN DATABASE %I SET statement_timeout = ''1h''', current_database());
END
$$;
