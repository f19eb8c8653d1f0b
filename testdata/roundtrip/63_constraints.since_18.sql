ALTER TABLE shop.dangling ADD CONSTRAINT unenforced_key FOREIGN KEY (customer_id) REFERENCES shop.customer NOT ENFORCED;
CREATE TABLE shop.stuck_together (id int4range, valid_at daterange, UNIQUE (id, valid_at WITHOUT OVERLAPS));
CREATE TABLE shop.lax_parent (a int);
CREATE TABLE shop.strict_child (CONSTRAINT "child's" NOT NULL a) INHERITS (shop.lax_parent);
