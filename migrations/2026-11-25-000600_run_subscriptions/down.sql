DROP INDEX transactions_period_once;
DROP INDEX user_subscriptions_ends, user_subscriptions_user_id, user_subscriptions_next_plan_id;
ALTER TABLE user_subscriptions DROP COLUMN rights_until;
ALTER TABLE user_subscriptions
    DROP COLUMN billing_period, DROP COLUMN period_price, DROP COLUMN anchor_date, DROP COLUMN anchor_months,
    DROP COLUMN next_plan_id, DROP COLUMN next_billing_period, DROP COLUMN retry_at, DROP COLUMN reminded_for,
    DROP COLUMN grace_seconds;
ALTER TABLE subscription_plans DROP COLUMN manager_name, DROP COLUMN manager_contact;
