-- What deals lacked: the buyer's recorded wish to cancel, counters kept by a job, the words of both sides in a dispute,
-- and a decision that waits for a second member of staff. Safe on a live database: columns without defaults, new tables.
ALTER TABLE escrows
    ADD COLUMN cancel_asked_at timestamptz,  -- the buyer wishes to cancel; the seller may agree, or hand over
    ADD COLUMN counted_at      timestamptz;  -- in the counters of both people
UPDATE escrows SET counted_at = closed_at WHERE status = 'confirmed';
-- The reconciler's scans: few rows at any time.
CREATE INDEX escrows_uncounted ON escrows (closed_at) WHERE status = 'confirmed' AND counted_at IS NULL;
CREATE INDEX escrows_wish_due  ON escrows (deliver_by)
    WHERE status = 'paid' AND cancel_asked_at IS NOT NULL AND handed_over_at IS NULL;

-- What the parties say in a dispute. Never changed: staff decide by it.
CREATE TABLE escrow_evidence (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    escrow_id  uuid NOT NULL REFERENCES escrows (id),
    author_id  uuid NOT NULL REFERENCES users (id),
    text       text NOT NULL CHECK (length(text) BETWEEN 1 AND 2000),
    created_at timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX escrow_evidence_escrow ON escrow_evidence (escrow_id, id);
CREATE INDEX escrow_evidence_author ON escrow_evidence (author_id);
CREATE TRIGGER escrow_evidence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON escrow_evidence
    EXECUTE FUNCTION forbid_change();

-- Above a limit two members of staff must decide alike: what the first one decided.
CREATE TABLE escrow_decisions (
    escrow_id  uuid PRIMARY KEY REFERENCES escrows (id),
    staff_id   uuid NOT NULL REFERENCES users (id),
    refund     numeric(18,2) NOT NULL CHECK (refund >= 0),  -- what goes back to the buyer
    decided_at timestamptz NOT NULL DEFAULT app_now()
);
CREATE INDEX escrow_decisions_staff ON escrow_decisions (staff_id);
