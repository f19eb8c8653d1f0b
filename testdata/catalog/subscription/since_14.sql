-- since: 14
CREATE SUBSCRIPTION streams CONNECTION 'host=nowhere.invalid' PUBLICATION p WITH (connect = false, binary, streaming);
CREATE SUBSCRIPTION streams_not CONNECTION 'host=nowhere.invalid' PUBLICATION p WITH (connect = false, streaming = off);
