-- Names that need quotes, with and without a slot.
CREATE SUBSCRIPTION plain CONNECTION 'host=nowhere.invalid dbname=x password=s3cret' PUBLICATION p
    WITH (connect = false);
CREATE SUBSCRIPTION "S ""1" CONNECTION 'host=nowhere.invalid password=''it\''s s3cret''' PUBLICATION "P ""1", q
    WITH (connect = false, slot_name = NONE, synchronous_commit = remote_apply);
CREATE SUBSCRIPTION uri CONNECTION 'postgresql://me:s3cret@nowhere.invalid/x?connect_timeout=10' PUBLICATION p
    WITH (connect = false, slot_name = 'slot_of_another_name');
COMMENT ON SUBSCRIPTION "S ""1" IS 'it''s subscribed';
