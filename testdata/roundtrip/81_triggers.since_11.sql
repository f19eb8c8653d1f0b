-- On the rows of a partitioned table.
CREATE TRIGGER on_all AFTER INSERT ON shop.event FOR EACH ROW EXECUTE PROCEDURE shop.on_statement();
ALTER TABLE shop.event_2024 DISABLE TRIGGER on_all;
