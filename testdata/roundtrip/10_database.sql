-- Properties of the database itself. Its name is the loader's affair.
SELECT format('ALTER DATABASE %I OWNER TO shop_owner', current_database()) \gexec
SELECT format('COMMENT ON DATABASE %I IS %L', current_database(), E'It''s the shop:\n\ttwo lines, a \\ and a "quote"') \gexec
SELECT format('ALTER DATABASE %I SET search_path = shop, "odd Schema", public', current_database()) \gexec
SELECT format('ALTER DATABASE %I SET work_mem = %L', current_database(), '8MB') \gexec
SELECT format('ALTER DATABASE %I SET statement_timeout = %L', current_database(), '1h') \gexec
SELECT format('ALTER DATABASE %I SET shop.greeting = %L', current_database(), 'it''s a "custom", setting') \gexec
SELECT format('ALTER DATABASE %I CONNECTION LIMIT 77', current_database()) \gexec
SELECT format('ALTER ROLE shop_reader IN DATABASE %I SET default_transaction_read_only = on', current_database()) \gexec
SELECT format('ALTER ROLE "Shop ""Quoted"" = Role" IN DATABASE %I SET search_path = %L, public', current_database(), 'we ird') \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO shop_reader WITH GRANT OPTION', current_database()) \gexec
SELECT format('GRANT TEMPORARY, CREATE ON DATABASE %I TO "Shop ""Quoted"" = Role"', current_database()) \gexec
