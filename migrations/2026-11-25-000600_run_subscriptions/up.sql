-- Subscriptions that are paid and renewed. Safe on a live database: the previous release reads plans and rights as before
-- and writes neither; the tables are small.

-- Who serves the subscribers of a plan in person, and where they answer; empty: nobody.
ALTER TABLE subscription_plans
    ADD COLUMN manager_name    text NOT NULL DEFAULT '',
    ADD COLUMN manager_contact text NOT NULL DEFAULT '';
UPDATE subscription_plans
SET manager_name = 'WibeStore Pro', manager_contact = 'https://t.me/wibestorebot?start=pro_manager'
WHERE slug = 'pro';
UPDATE subscription_plans
SET features = CASE WHEN is_pro
        THEN '["listing_badge", "search_priority", "reduced_commission", "profile_badge", "priority_support", "fast_withdrawal", "personal_manager", "vip_badge"]'::jsonb
        ELSE '["listing_badge", "search_priority", "reduced_commission", "profile_badge", "priority_support"]'::jsonb END
WHERE is_premium AND features = '[]';

-- `start_date` and `end_date` are those of the running period. Ends are counted in months from an anchor, so that the 31st
-- comes back after February; without an anchor they are counted from the end date.
ALTER TABLE user_subscriptions
    ADD COLUMN billing_period      text NOT NULL DEFAULT 'monthly' CHECK (billing_period IN ('monthly', 'yearly')),
    ADD COLUMN period_price        numeric(18,2) NOT NULL DEFAULT 0 CHECK (period_price >= 0),  -- what the running period is worth
    ADD COLUMN anchor_date         timestamptz,
    ADD COLUMN anchor_months       integer NOT NULL DEFAULT 0 CHECK (anchor_months >= 0),
    ADD COLUMN next_plan_id        uuid REFERENCES subscription_plans (id),  -- what is renewed instead, when the period ends
    ADD COLUMN next_billing_period text CHECK (next_billing_period IN ('monthly', 'yearly')),
    ADD COLUMN retry_at            timestamptz,  -- a renewal that the balance did not cover is tried again then
    ADD COLUMN reminded_for        timestamptz,  -- the end about which its owner was reminded
    ADD COLUMN grace_seconds       integer NOT NULL DEFAULT 86400 CHECK (grace_seconds >= 0);
-- Until when it gives its rights, whatever a sweep has or has not written. In UTC, because only there an instant and an
-- interval add up to the same for everybody.
ALTER TABLE user_subscriptions
    ADD COLUMN rights_until timestamptz NOT NULL GENERATED ALWAYS AS (
        (end_date AT TIME ZONE 'UTC'
         + CASE WHEN auto_renew AND status = 'active' THEN make_interval(secs => grace_seconds) ELSE interval '0' END)
        AT TIME ZONE 'UTC') STORED,
    ADD CONSTRAINT user_subscriptions_next_is_whole CHECK ((next_plan_id IS NULL) = (next_billing_period IS NULL)),
    ADD CONSTRAINT user_subscriptions_cancelled_ends CHECK (
        status <> 'cancelled' OR (NOT auto_renew AND cancelled_at IS NOT NULL AND next_plan_id IS NULL AND retry_at IS NULL));
CREATE INDEX user_subscriptions_next_plan_id ON user_subscriptions (next_plan_id);
CREATE INDEX user_subscriptions_user_id      ON user_subscriptions (user_id, created_at DESC);
-- The hourly check's scan.
CREATE INDEX user_subscriptions_ends ON user_subscriptions (end_date) WHERE status IN ('active', 'cancelled');

-- A period is paid by one transaction.
CREATE UNIQUE INDEX transactions_period_once ON transactions ((metadata ->> 'reference')) WHERE type = 'subscription';
