-- Staff change methods from now on; what they write is checked here too. Safe on a live database: the table has five rows.
ALTER TABLE payment_methods
    ADD CONSTRAINT payment_methods_named CHECK (length(name) BETWEEN 1 AND 50 AND length(icon) <= 50),
    ADD CONSTRAINT payment_methods_config_object CHECK (jsonb_typeof(config) = 'object');
