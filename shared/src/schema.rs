//! The tables as diesel sees them. `tests/tests/it/schema.rs` compares this file with the catalogue of a migrated database.

diesel::table! {
    adjustments (id) {
        id -> Uuid,
        user_id -> Uuid,
        amount -> Numeric,
        reason -> Text,
        reference -> Text,
        status -> Text,
        needs_review -> Bool,
        proposed_by -> Uuid,
        decided_by -> Nullable<Uuid>,
        decision_note -> Text,
        decided_at -> Nullable<Timestamptz>,
        transaction_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    app_clock (id) {
        id -> Bool,
        shift -> Interval,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> Timestamptz,
        actor_id -> Nullable<Uuid>,
        actor -> Text,
        action -> Text,
        object_type -> Text,
        object_id -> Text,
        details -> Jsonb,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        request_id -> Nullable<Text>,
    }
}

diesel::table! {
    click_payments (prepare_id) {
        prepare_id -> BigInt,
        click_trans_id -> BigInt,
        click_paydoc_id -> Nullable<BigInt>,
        transaction_id -> Uuid,
        credited_id -> Nullable<Uuid>,
        amount -> Numeric,
        state -> Text,
        sign_time -> Text,
        error -> Nullable<Integer>,
        prepared_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
        cancelled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    code_tries (code_id, whose) {
        code_id -> Uuid,
        whose -> Text,
        tries -> SmallInt,
    }
}

diesel::table! {
    cron_ticks (schedule, tick_at) {
        schedule -> Text,
        tick_at -> Timestamptz,
        fired_at -> Timestamptz,
        fired_by -> Text,
        job_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    daily_statistics (day) {
        day -> Date,
        new_users -> Integer,
        verified_users -> Integer,
        listings_created -> Integer,
        listings_approved -> Integer,
        listings_sold -> Integer,
        listings_archived -> Integer,
        deals_opened -> Integer,
        deals_paid -> Integer,
        deals_confirmed -> Integer,
        deals_refunded -> Integer,
        deals_cancelled -> Integer,
        deals_disputed -> Integer,
        turnover -> Numeric,
        commission -> Numeric,
        refunds -> Numeric,
        deposits_completed -> Integer,
        deposits_amount -> Numeric,
        deposits_reversed -> Numeric,
        computed_at -> Timestamptz,
    }
}

diesel::table! {
    effects (effect_key) {
        effect_key -> Text,
        job_id -> Nullable<BigInt>,
        at -> Timestamptz,
    }
}

diesel::table! {
    email_changes (id) {
        id -> Uuid,
        user_id -> Uuid,
        old_email -> Text,
        new_email -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
        withdrawn_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    email_tokens (id) {
        id -> Uuid,
        user_id -> Nullable<Uuid>,
        purpose -> Text,
        email -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    escrow_decisions (escrow_id) {
        escrow_id -> Uuid,
        staff_id -> Uuid,
        refund -> Numeric,
        decided_at -> Timestamptz,
    }
}

diesel::table! {
    escrow_evidence (id) {
        id -> BigInt,
        escrow_id -> Uuid,
        author_id -> Uuid,
        text -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    escrow_credentials (escrow_id) {
        escrow_id -> Uuid,
        key_id -> Text,
        data_key -> Bytea,
        login_method -> Text,
        account_email -> Bytea,
        account_password -> Bytea,
        account_additional_info -> Bytea,
        first_revealed_at -> Nullable<Timestamptz>,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    escrow_status_history (id) {
        id -> BigInt,
        escrow_id -> Uuid,
        actor -> Text,
        event -> Text,
        from_status -> Nullable<Text>,
        to_status -> Text,
        reason -> Nullable<Text>,
        at -> Timestamptz,
    }
}

diesel::table! {
    escrows (id) {
        id -> Uuid,
        listing_id -> Uuid,
        buyer_id -> Uuid,
        seller_id -> Uuid,
        amount -> Numeric,
        commission_rate_bp -> Integer,
        commission_amount -> Numeric,
        seller_earnings -> Numeric,
        buyer_refund -> Numeric,
        status -> Text,
        pay_by -> Timestamptz,
        paid_at -> Nullable<Timestamptz>,
        deliver_by -> Nullable<Timestamptz>,
        refund_after -> Nullable<Timestamptz>,
        handed_over_at -> Nullable<Timestamptz>,
        receive_by -> Nullable<Timestamptz>,
        buyer_confirmed_at -> Nullable<Timestamptz>,
        release_at -> Nullable<Timestamptz>,
        seller_paid_at -> Nullable<Timestamptz>,
        admin_released_at -> Nullable<Timestamptz>,
        disputed_at -> Nullable<Timestamptz>,
        disputed_by -> Nullable<Uuid>,
        dispute_reason -> Nullable<Text>,
        dispute_resolved_by -> Nullable<Uuid>,
        dispute_resolution -> Nullable<Text>,
        close_reason -> Nullable<Text>,
        closed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        cancel_asked_at -> Nullable<Timestamptz>,
        counted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    games (id) {
        id -> Uuid,
        name -> Text,
        slug -> Text,
        description -> Text,
        icon -> Text,
        image -> Nullable<Text>,
        color -> Text,
        is_active -> Bool,
        sort_order -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (user_id, route, key) {
        user_id -> Uuid,
        route -> Text,
        key -> Text,
        fingerprint -> Bytea,
        made -> Nullable<Text>,
        status -> Nullable<SmallInt>,
        body -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    job_attempts (job_id, attempt) {
        job_id -> BigInt,
        attempt -> SmallInt,
        worker -> Text,
        outcome -> Text,
        error -> Nullable<Text>,
        started_at -> Timestamptz,
        ended_at -> Timestamptz,
    }
}

diesel::table! {
    job_cancellations (job_id) {
        job_id -> BigInt,
        requested_at -> Timestamptz,
        requested_by -> Text,
    }
}

diesel::table! {
    job_queues (queue) {
        queue -> Text,
        paused_at -> Nullable<Timestamptz>,
        paused_by -> Nullable<Text>,
        pause_reason -> Nullable<Text>,
    }
}

diesel::table! {
    job_rates (key) {
        key -> Text,
        next_at -> Timestamptz,
    }
}

diesel::table! {
    job_workers (worker, queue) {
        worker -> Text,
        queue -> Text,
        slots -> Integer,
        seen_at -> Timestamptz,
        running -> Integer,
        started_at -> Timestamptz,
        drain_requested_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    jobs (id) {
        id -> BigInt,
        kind -> Text,
        queue -> Text,
        args -> Jsonb,
        args_version -> SmallInt,
        state -> Text,
        run_at -> Timestamptz,
        attempt -> SmallInt,
        max_attempts -> SmallInt,
        crashes -> SmallInt,
        unique_key -> Nullable<Text>,
        trace_id -> Nullable<Text>,
        dispatch_gen -> Integer,
        dispatched_at -> Nullable<Timestamptz>,
        lease_token -> BigInt,
        lease_until -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        worker -> Nullable<Text>,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        progress_done -> Nullable<BigInt>,
        progress_total -> Nullable<BigInt>,
        progress_cursor -> Nullable<Jsonb>,
    }
}

diesel::table! {
    ledger_check_marks (id) {
        id -> Bool,
        horizon -> BigInt,
        entry_floor -> BigInt,
        journal_floor -> BigInt,
        next_xid -> BigInt,
        last_entry -> BigInt,
        last_journal -> BigInt,
        checked_at -> Timestamptz,
        full_at -> Nullable<Timestamptz>,
        violations -> Jsonb,
    }
}

diesel::table! {
    known_devices (user_id, device) {
        user_id -> Uuid,
        device -> Bytea,
        first_seen_at -> Timestamptz,
        last_seen_at -> Timestamptz,
    }
}

diesel::table! {
    listing_credentials (listing_id) {
        listing_id -> Uuid,
        key_id -> Text,
        data_key -> Bytea,
        account_email -> Bytea,
        account_password -> Bytea,
        account_additional_info -> Bytea,
        updated_at -> Timestamptz,
    }
}

// Its `document` is written and searched by the database only.
diesel::table! {
    listing_search (listing_id) {
        listing_id -> Uuid,
        stale_at -> Nullable<Timestamptz>,
        indexed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    listing_status_history (id) {
        id -> BigInt,
        listing_id -> Uuid,
        actor -> Text,
        from_status -> Nullable<Text>,
        to_status -> Text,
        reason -> Nullable<Text>,
        at -> Timestamptz,
    }
}

diesel::table! {
    listings (id) {
        id -> Uuid,
        listing_code -> Text,
        seller_id -> Uuid,
        game_id -> Uuid,
        title -> Text,
        description -> Text,
        price -> Numeric,
        original_price -> Nullable<Numeric>,
        status -> Text,
        is_premium -> Bool,
        views_count -> Integer,
        favorites_count -> Integer,
        login_method -> Text,
        level -> Text,
        rank -> Text,
        skins_count -> Integer,
        features -> Jsonb,
        moderated_by -> Nullable<Uuid>,
        moderated_at -> Nullable<Timestamptz>,
        approved_at -> Nullable<Timestamptz>,
        rejected_at -> Nullable<Timestamptz>,
        rejection_reason -> Nullable<Text>,
        sold_at -> Nullable<Timestamptz>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    multicard_invoices (transaction_id) {
        transaction_id -> Uuid,
        uuid -> Text,
        checkout_url -> Text,
        payment_uuid -> Nullable<Text>,
        unanswered -> Integer,
        closed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        reported_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    one_time_codes (id) {
        id -> Uuid,
        phone_number -> Text,
        purpose -> Text,
        user_id -> Nullable<Uuid>,
        telegram_id -> Nullable<BigInt>,
        telegram_username -> Nullable<Text>,
        full_name -> Text,
        language -> Text,
        code_mac -> Bytea,
        attempts -> SmallInt,
        expires_at -> Timestamptz,
        sent_at -> Nullable<Timestamptz>,
        used_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        ip -> Nullable<Text>,
    }
}

diesel::table! {
    password_history (id) {
        id -> BigInt,
        user_id -> Uuid,
        password_hash -> Text,
        replaced_at -> Timestamptz,
    }
}

diesel::table! {
    password_resets (id) {
        id -> Uuid,
        user_id -> Nullable<Uuid>,
        address -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    payme_transactions (seq) {
        seq -> BigInt,
        id -> Text,
        transaction_id -> Uuid,
        account -> Jsonb,
        amount_tiyin -> BigInt,
        time_ms -> BigInt,
        create_time_ms -> BigInt,
        expires_ms -> BigInt,
        perform_time_ms -> BigInt,
        cancel_time_ms -> BigInt,
        state -> SmallInt,
        reason -> Nullable<SmallInt>,
        fiscal_data -> Jsonb,
    }
}

diesel::table! {
    paynet_transactions (seq) {
        seq -> BigInt,
        id -> BigInt,
        transaction_id -> Uuid,
        fields -> Jsonb,
        amount_tiyin -> BigInt,
        state -> SmallInt,
        performed_at -> Timestamptz,
        cancelled_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    payment_cases (id) {
        id -> BigInt,
        kind -> Text,
        provider -> Text,
        transaction_id -> Nullable<Uuid>,
        reference -> Text,
        details -> Jsonb,
        opened_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
        resolved_by -> Nullable<Uuid>,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    payment_methods (id) {
        id -> Uuid,
        name -> Text,
        code -> Text,
        icon -> Text,
        is_active -> Bool,
        config -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    platform_switches (name) {
        name -> Text,
        off_at -> Nullable<Timestamptz>,
        off_by -> Nullable<Text>,
        reason -> Nullable<Text>,
        findings -> Jsonb,
        acknowledged -> Jsonb,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    provider_reports (source, day) {
        source -> Text,
        day -> Date,
        comparisons -> Integer,
        place -> Nullable<Jsonb>,
        compared -> Integer,
        repaired -> Integer,
        disagreed -> Integer,
        started_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        generation -> Integer,
        rotated_at -> Timestamptz,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        revoked_reason -> Nullable<Text>,
        ip -> Nullable<Text>,
        user_agent -> Nullable<Text>,
    }
}

diesel::table! {
    sign_in_failures (subject) {
        subject -> Bytea,
        failures -> Integer,
        last_at -> Timestamptz,
        wait_until -> Timestamptz,
    }
}

diesel::table! {
    social_accounts (provider, subject) {
        provider -> Text,
        subject -> Text,
        user_id -> Uuid,
        email -> Nullable<Text>,
        created_at -> Timestamptz,
        last_used_at -> Timestamptz,
    }
}

diesel::table! {
    staff_roles (user_id, role) {
        user_id -> Uuid,
        role -> Text,
        granted_by -> Nullable<Uuid>,
        granted_at -> Timestamptz,
    }
}

diesel::table! {
    subscription_plans (id) {
        id -> Uuid,
        name -> Text,
        slug -> Text,
        price_monthly -> Numeric,
        price_yearly -> Numeric,
        commission_rate_bp -> Integer,
        features -> Jsonb,
        is_premium -> Bool,
        is_pro -> Bool,
        sort_order -> Integer,
        is_active -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        manager_name -> Text,
        manager_contact -> Text,
    }
}

diesel::table! {
    transactions (id) {
        id -> Uuid,
        user_id -> Uuid,
        amount -> Numeric,
        currency -> Bpchar,
        #[sql_name = "type"]
        kind -> Text,
        status -> Text,
        payment_method_id -> Nullable<Uuid>,
        provider_transaction_id -> Nullable<Text>,
        escrow_id -> Nullable<Uuid>,
        reverses_id -> Nullable<Uuid>,
        description -> Text,
        metadata -> Jsonb,
        processed_at -> Nullable<Timestamptz>,
        failed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    user_subscriptions (id) {
        id -> Uuid,
        user_id -> Uuid,
        plan_id -> Uuid,
        status -> Text,
        start_date -> Timestamptz,
        end_date -> Timestamptz,
        auto_renew -> Bool,
        cancelled_at -> Nullable<Timestamptz>,
        cancel_reason -> Nullable<Text>,
        payment_history -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        billing_period -> Text,
        period_price -> Numeric,
        anchor_date -> Nullable<Timestamptz>,
        anchor_months -> Integer,
        next_plan_id -> Nullable<Uuid>,
        next_billing_period -> Nullable<Text>,
        retry_at -> Nullable<Timestamptz>,
        reminded_for -> Nullable<Timestamptz>,
        grace_seconds -> Integer,
        rights_until -> Timestamptz,
    }
}

diesel::table! {
    uploads (id) {
        id -> Uuid,
        user_id -> Uuid,
        kind -> Text,
        key -> Text,
        content_type -> Text,
        bytes -> Integer,
        received_bytes -> Integer,
        width -> Integer,
        height -> Integer,
        created_at -> Timestamptz,
        attached_as -> Nullable<Text>,
        attached_at -> Nullable<Timestamptz>,
        discarded_at -> Nullable<Timestamptz>,
        removed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        username -> Nullable<Text>,
        phone_number -> Nullable<Text>,
        full_name -> Text,
        avatar -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        is_active -> Bool,
        is_staff -> Bool,
        is_superuser -> Bool,
        is_verified -> Bool,
        rating -> Numeric,
        total_sales -> Integer,
        total_purchases -> Integer,
        language -> Text,
        timezone -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        last_login -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        password_changed_at -> Nullable<Timestamptz>,
        phone_verified_at -> Nullable<Timestamptz>,
        telegram_id -> Nullable<BigInt>,
        telegram_username -> Nullable<Text>,
        email_verified_at -> Nullable<Timestamptz>,
        erased_at -> Nullable<Timestamptz>,
        first_verified_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_calls (id) {
        id -> BigInt,
        provider -> Text,
        method -> Text,
        ip -> Nullable<Text>,
        request -> Jsonb,
        response -> Jsonb,
        http_status -> SmallInt,
        request_id -> Nullable<Text>,
        received_at -> Timestamptz,
    }
}

diesel::table! {
    withdrawals (transaction_id) {
        transaction_id -> Uuid,
        user_id -> Uuid,
        card_type -> Text,
        card_holder_name -> Text,
        card_masked -> Text,
        card_print -> Bytea,
        key_id -> Text,
        data_key -> Nullable<Bytea>,
        card_number -> Nullable<Bytea>,
        is_priority -> Bool,
        not_before -> Timestamptz,
        approvals_needed -> SmallInt,
        approved_by -> Nullable<Uuid>,
        approved_at -> Nullable<Timestamptz>,
        second_approved_by -> Nullable<Uuid>,
        second_approved_at -> Nullable<Timestamptz>,
        rejected_by -> Nullable<Uuid>,
        reject_reason -> Nullable<Text>,
        sent_at -> Nullable<Timestamptz>,
        provider_uuid -> Nullable<Text>,
        unanswered -> Integer,
        last_answer -> Nullable<Text>,
        outcome_unknown_at -> Nullable<Timestamptz>,
        settled_at -> Nullable<Timestamptz>,
        wiped_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::joinable!(audit_log -> users (actor_id));
diesel::joinable!(email_changes -> users (user_id));
diesel::joinable!(email_tokens -> users (user_id));
diesel::joinable!(escrow_credentials -> escrows (escrow_id));
diesel::joinable!(escrow_decisions -> escrows (escrow_id));
diesel::joinable!(escrow_evidence -> escrows (escrow_id));
diesel::joinable!(escrow_evidence -> users (author_id));
diesel::joinable!(escrow_status_history -> escrows (escrow_id));
diesel::joinable!(escrows -> listings (listing_id));
diesel::joinable!(known_devices -> users (user_id));
diesel::joinable!(listing_credentials -> listings (listing_id));
diesel::joinable!(listing_search -> listings (listing_id));
diesel::joinable!(listing_status_history -> listings (listing_id));
diesel::joinable!(listings -> games (game_id));
diesel::joinable!(multicard_invoices -> transactions (transaction_id));
diesel::joinable!(one_time_codes -> users (user_id));
diesel::joinable!(password_history -> users (user_id));
diesel::joinable!(password_resets -> users (user_id));
diesel::joinable!(payment_cases -> transactions (transaction_id));
diesel::joinable!(payment_cases -> users (resolved_by));
diesel::joinable!(payme_transactions -> transactions (transaction_id));
diesel::joinable!(paynet_transactions -> transactions (transaction_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(social_accounts -> users (user_id));
diesel::joinable!(staff_roles -> users (user_id));
diesel::joinable!(transactions -> escrows (escrow_id));
diesel::joinable!(transactions -> payment_methods (payment_method_id));
diesel::joinable!(transactions -> users (user_id));
diesel::joinable!(uploads -> users (user_id));
diesel::joinable!(user_subscriptions -> subscription_plans (plan_id));
diesel::joinable!(user_subscriptions -> users (user_id));
diesel::joinable!(withdrawals -> transactions (transaction_id));
diesel::joinable!(withdrawals -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(
    adjustments,
    app_clock,
    audit_log,
    click_payments,
    cron_ticks,
    daily_statistics,
    effects,
    email_changes,
    email_tokens,
    escrow_credentials,
    escrow_decisions,
    escrow_evidence,
    escrow_status_history,
    escrows,
    games,
    job_attempts,
    job_cancellations,
    job_queues,
    job_rates,
    job_workers,
    jobs,
    known_devices,
    listing_credentials,
    listing_search,
    listing_status_history,
    listings,
    multicard_invoices,
    one_time_codes,
    password_history,
    password_resets,
    payme_transactions,
    payment_cases,
    payment_methods,
    paynet_transactions,
    provider_reports,
    sessions,
    sign_in_failures,
    social_accounts,
    staff_roles,
    subscription_plans,
    transactions,
    uploads,
    user_subscriptions,
    users,
    webhook_calls,
    withdrawals,
);
