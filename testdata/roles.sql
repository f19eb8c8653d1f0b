-- Roles of the test databases. They belong to the server, not to a database: both servers of a pair have them before the run.
CREATE ROLE shop_owner;
CREATE ROLE shop_reader;
CREATE ROLE shop_writer;
CREATE ROLE shop_audit NOLOGIN;
CREATE ROLE "Shop ""Quoted"" = Role";
CREATE ROLE "shop.Üser";
GRANT shop_reader TO shop_writer;
