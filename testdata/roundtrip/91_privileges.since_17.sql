GRANT MAINTAIN ON shop.times TO shop_audit;
