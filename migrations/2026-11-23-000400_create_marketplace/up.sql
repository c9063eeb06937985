-- The catalogue, the listings, their sealed credentials, and the deals. Safe on a live database: creates only.
CREATE TABLE games (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    slug        text NOT NULL UNIQUE,
    description text NOT NULL DEFAULT '',
    icon        text NOT NULL DEFAULT '',
    image       text,
    color       text NOT NULL DEFAULT '#4f46e5' CHECK (color ~ '^#[0-9a-fA-F]{6}$'),
    is_active   boolean NOT NULL DEFAULT true,
    sort_order  integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT app_now(),
    updated_at  timestamptz NOT NULL DEFAULT app_now()
);

CREATE TABLE subscription_plans (
    id                 uuid PRIMARY KEY,
    name               text NOT NULL UNIQUE,
    slug               text NOT NULL UNIQUE,
    price_monthly      numeric(18,2) NOT NULL CHECK (price_monthly >= 0),
    price_yearly       numeric(18,2) NOT NULL CHECK (price_yearly >= 0),
    commission_rate_bp integer NOT NULL CHECK (commission_rate_bp BETWEEN 0 AND 10000),  -- basis points: 1000 = 10 %
    features           jsonb NOT NULL DEFAULT '[]',
    is_premium         boolean NOT NULL DEFAULT false,
    is_pro             boolean NOT NULL DEFAULT false,
    sort_order         integer NOT NULL DEFAULT 0,
    is_active          boolean NOT NULL DEFAULT true,
    created_at         timestamptz NOT NULL DEFAULT app_now(),
    updated_at         timestamptz NOT NULL DEFAULT app_now()
);

CREATE TABLE user_subscriptions (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users (id),
    plan_id         uuid NOT NULL REFERENCES subscription_plans (id),
    status          text NOT NULL CHECK (status IN ('active', 'cancelled', 'expired')),
    start_date      timestamptz NOT NULL,
    end_date        timestamptz NOT NULL,
    auto_renew      boolean NOT NULL DEFAULT true,
    cancelled_at    timestamptz,
    cancel_reason   text,
    payment_history jsonb NOT NULL DEFAULT '[]',
    created_at      timestamptz NOT NULL DEFAULT app_now(),
    updated_at      timestamptz NOT NULL DEFAULT app_now(),
    CONSTRAINT user_subscriptions_period CHECK (end_date > start_date)
);
CREATE UNIQUE INDEX user_subscriptions_one_current ON user_subscriptions (user_id) WHERE status IN ('active', 'cancelled');
CREATE INDEX user_subscriptions_plan_id ON user_subscriptions (plan_id);
CREATE INDEX user_subscriptions_status  ON user_subscriptions (status, end_date);

CREATE SEQUENCE listing_code_seq;
CREATE TABLE listings (
    id               uuid PRIMARY KEY,
    listing_code     text NOT NULL UNIQUE DEFAULT 'WB-' || lpad(nextval('listing_code_seq')::text, 6, '0'),
    seller_id        uuid NOT NULL REFERENCES users (id),
    game_id          uuid NOT NULL REFERENCES games (id),
    title            text NOT NULL,
    description      text NOT NULL,
    price            numeric(18,2) NOT NULL CHECK (price > 0),
    original_price   numeric(18,2) CHECK (original_price > 0),
    status           text NOT NULL DEFAULT 'pending' CHECK (status IN (
                         'pending', 'active', 'reserved', 'sold', 'rejected', 'blocked', 'archived')),
    is_premium       boolean NOT NULL DEFAULT false,
    views_count      integer NOT NULL DEFAULT 0 CHECK (views_count >= 0),
    favorites_count  integer NOT NULL DEFAULT 0 CHECK (favorites_count >= 0),
    login_method     text NOT NULL CHECK (login_method IN ('email', 'phone', 'username', 'social')),
    level            text NOT NULL DEFAULT '',
    rank             text NOT NULL DEFAULT '',
    skins_count      integer NOT NULL DEFAULT 0 CHECK (skins_count >= 0),
    features         jsonb NOT NULL DEFAULT '[]',
    moderated_by     uuid REFERENCES users (id),
    moderated_at     timestamptz,
    approved_at      timestamptz,
    rejected_at      timestamptz,
    rejection_reason text,
    sold_at          timestamptz,
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT app_now(),
    updated_at       timestamptz NOT NULL DEFAULT app_now(),
    deleted_at       timestamptz
);
CREATE INDEX listings_seller_status ON listings (seller_id, status);
CREATE INDEX listings_game_status   ON listings (game_id, status, created_at);
CREATE INDEX listings_status        ON listings (status, created_at);
CREATE INDEX listings_created_at    ON listings (created_at);
CREATE INDEX listings_is_premium    ON listings (is_premium) WHERE is_premium;
CREATE INDEX listings_price         ON listings (price) WHERE status = 'active';
CREATE INDEX listings_moderated_by  ON listings (moderated_by);
CREATE INDEX listings_search        ON listings USING gin (to_tsvector('simple', title || ' ' || description));
CREATE INDEX listings_title_trigram ON listings USING gin (title gin_trgm_ops);

-- Sealed with a data key of their own; never joined into a list or a detail.
CREATE TABLE listing_credentials (
    listing_id              uuid PRIMARY KEY REFERENCES listings (id),
    key_id                  text NOT NULL,
    data_key                bytea NOT NULL,
    account_email           bytea NOT NULL,
    account_password        bytea NOT NULL,
    account_additional_info bytea NOT NULL,
    updated_at              timestamptz NOT NULL DEFAULT app_now()
);

CREATE TABLE listing_status_history (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    listing_id  uuid NOT NULL REFERENCES listings (id),
    actor       text NOT NULL,
    from_status text,
    to_status   text NOT NULL,
    reason      text,
    at          timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX listing_status_history_listing ON listing_status_history (listing_id, id);
CREATE TRIGGER listing_status_history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON listing_status_history
    EXECUTE FUNCTION forbid_change();

CREATE TABLE escrows (
    id                  uuid PRIMARY KEY,
    listing_id          uuid NOT NULL REFERENCES listings (id),
    buyer_id            uuid NOT NULL REFERENCES users (id),
    seller_id           uuid NOT NULL REFERENCES users (id),
    amount              numeric(18,2) NOT NULL CHECK (amount > 0),
    commission_rate_bp  integer NOT NULL CHECK (commission_rate_bp BETWEEN 0 AND 10000),
    commission_amount   numeric(18,2) NOT NULL CHECK (commission_amount >= 0),
    seller_earnings     numeric(18,2) NOT NULL CHECK (seller_earnings >= 0),
    buyer_refund        numeric(18,2) NOT NULL DEFAULT 0 CHECK (buyer_refund >= 0),
    status              text NOT NULL CHECK (status IN (
                            'pending_payment', 'paid', 'delivered', 'confirmed', 'disputed', 'refunded', 'cancelled')),
    pay_by              timestamptz NOT NULL,
    paid_at             timestamptz,
    deliver_by          timestamptz,
    refund_after        timestamptz,
    handed_over_at      timestamptz,
    receive_by          timestamptz,
    buyer_confirmed_at  timestamptz,
    release_at          timestamptz,
    seller_paid_at      timestamptz,
    admin_released_at   timestamptz,
    disputed_at         timestamptz,
    disputed_by         uuid REFERENCES users (id),
    dispute_reason      text CHECK (length(dispute_reason) BETWEEN 1 AND 2000),
    dispute_resolved_by uuid REFERENCES users (id),
    dispute_resolution  text,
    close_reason        text,
    closed_at           timestamptz,
    created_at          timestamptz NOT NULL DEFAULT app_now(),
    updated_at          timestamptz NOT NULL DEFAULT app_now(),
    CONSTRAINT escrows_two_people CHECK (buyer_id <> seller_id),
    CONSTRAINT escrows_adds_up CHECK (amount = commission_amount + seller_earnings + buyer_refund),
    CONSTRAINT escrows_paid_has_times CHECK (status IN ('pending_payment', 'cancelled')
        OR (paid_at IS NOT NULL AND deliver_by IS NOT NULL AND refund_after IS NOT NULL)),
    CONSTRAINT escrows_delivered_has_release CHECK (status <> 'delivered' OR release_at IS NOT NULL),
    CONSTRAINT escrows_disputed_has_reason CHECK (status <> 'disputed' OR (disputed_at IS NOT NULL AND dispute_reason IS NOT NULL))
);
CREATE UNIQUE INDEX escrows_one_open_per_listing ON escrows (listing_id)
    WHERE status IN ('pending_payment', 'paid', 'delivered', 'disputed');
CREATE INDEX escrows_listing ON escrows (listing_id);
CREATE INDEX escrows_buyer   ON escrows (buyer_id, status);
CREATE INDEX escrows_seller  ON escrows (seller_id, status);
CREATE INDEX escrows_status  ON escrows (status, created_at);
CREATE INDEX escrows_disputed_by         ON escrows (disputed_by);
CREATE INDEX escrows_dispute_resolved_by ON escrows (dispute_resolved_by);
-- The reconcilers' scans.
CREATE INDEX escrows_release_due ON escrows (release_at) WHERE status = 'delivered';
CREATE INDEX escrows_pay_due     ON escrows (pay_by) WHERE status = 'pending_payment';
CREATE INDEX escrows_paid_due    ON escrows (refund_after, receive_by) WHERE status = 'paid';

-- What was sold, as it was when it was paid: a later edit of the listing changes nothing here.
CREATE TABLE escrow_credentials (
    escrow_id               uuid PRIMARY KEY REFERENCES escrows (id),
    key_id                  text NOT NULL,
    data_key                bytea NOT NULL,
    login_method            text NOT NULL,
    account_email           bytea NOT NULL,
    account_password        bytea NOT NULL,
    account_additional_info bytea NOT NULL,
    first_revealed_at       timestamptz,
    updated_at              timestamptz NOT NULL DEFAULT app_now()
);

CREATE TABLE escrow_status_history (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    escrow_id   uuid NOT NULL REFERENCES escrows (id),
    actor       text NOT NULL,
    event       text NOT NULL,
    from_status text,
    to_status   text NOT NULL,
    reason      text,
    at          timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX escrow_status_history_escrow ON escrow_status_history (escrow_id, id);
CREATE TRIGGER escrow_status_history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON escrow_status_history
    EXECUTE FUNCTION forbid_change();
