CREATE VIEW shop.as_invoker WITH (security_invoker = true, security_barrier = false) AS SELECT id FROM shop.customer;
