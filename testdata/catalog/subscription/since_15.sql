-- since: 15
CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere.invalid' PUBLICATION p
    WITH (connect = false, two_phase, disable_on_error);
