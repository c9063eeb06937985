-- What members of staff may do beyond looking. A superuser may do everything and needs no row.
CREATE TABLE staff_roles (
    user_id    uuid NOT NULL REFERENCES users (id),
    role       text NOT NULL,
    -- Nobody: at the command line, or before there were roles. The audit log knows.
    granted_by uuid REFERENCES users (id),
    granted_at timestamptz NOT NULL DEFAULT app_now(),
    PRIMARY KEY (user_id, role),
    CONSTRAINT staff_roles_known CHECK (role IN ('moderator', 'finance'))
);
CREATE INDEX staff_roles_granted_by ON staff_roles (granted_by);
-- Whoever is staff now could do all of it, and still can.
INSERT INTO staff_roles (user_id, role)
SELECT u.id, r.role FROM users u CROSS JOIN unnest(ARRAY['moderator', 'finance']) AS r (role)
WHERE u.is_staff AND u.deleted_at IS NULL;
