-- since: 16
CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere.invalid' PUBLICATION p
    WITH (connect = false, streaming = parallel, origin = none, password_required = false, run_as_owner = true);
CREATE SUBSCRIPTION plain CONNECTION 'host=nowhere.invalid' PUBLICATION p WITH (connect = false, run_as_owner = false);
