CREATE UNLOGGED SEQUENCE shop.fleeting START 5;
SELECT nextval('shop.fleeting');
