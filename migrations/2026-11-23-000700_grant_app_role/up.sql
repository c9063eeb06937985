-- What the application's role may do. Called by `wibe migrate` after the migrations, with the role of DATABASE_URL.
-- The ledger is readable and writable only through its functions; histories can only grow; time is the owner's.
CREATE FUNCTION grant_app_role(p_role text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA public, ledger TO %I', p_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', p_role);
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', p_role);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit_log, webhook_calls, effects,
                    listing_status_history, escrow_status_history, cron_ticks FROM %I', p_role);
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON app_clock FROM %I', p_role);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO %I', p_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ledger.post, ledger.open_account, ledger.balance_of, ledger.roll_up TO %I', p_role);
END $$;
REVOKE EXECUTE ON FUNCTION grant_app_role FROM PUBLIC;
