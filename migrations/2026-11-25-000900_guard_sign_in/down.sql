DROP TABLE known_devices;
DROP TABLE sign_in_failures;
DROP TABLE password_resets;
DROP TABLE password_history;
