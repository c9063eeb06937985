//! What people may do for the platform, for superusers.

use shared::accounts::{self, Role, Roles, Turn};
use shared::audit::Actor;
use shared::ids::UserId;

use crate::prelude::*;

/// What a person may do for the platform.
#[derive(Serialize, ToSchema)]
pub(crate) struct RolesOut {
    #[salvo(schema(value_type = String, format = Uuid))]
    user_id: UserId,
    /// Whether they have any role.
    is_staff: bool,
    /// `moderator` (listings, disputes, reports), `finance` (people's money), `superuser` (everything).
    #[salvo(schema(value_type = Vec<String>))]
    roles: Vec<Role>,
}

impl RolesOut {
    fn new(user_id: UserId, roles: Roles) -> Self {
        Self { user_id, is_staff: roles.is_staff, roles: roles.given() }
    }
}

/// Shows a person's roles. For superusers.
#[endpoint(tags("admin"))]
pub(crate) async fn show_roles(
    app: AppState,
    _superuser: Superuser,
    id: Id<UserId>,
) -> ApiResult<Json<RolesOut>> {
    let roles = accounts::roles_of(&mut *app.db.read().await?, *id).await?;
    Ok(Json(RolesOut::new(*id, roles)))
}

/// A role, and what becomes of it.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleBody {
    /// `moderator`, `finance` or `superuser`.
    #[salvo(schema(value_type = String))]
    role: Role,
    /// `grant` or `revoke`.
    #[salvo(schema(value_type = String))]
    action: Turn,
}

/// Gives a person a role or takes it away; their next request knows. Superusers cannot take their own right, nor that of
/// the last one. Only people who have proved an address and are not banned are given one. For superusers.
#[endpoint(tags("admin"))]
pub(crate) async fn change_role(
    app: AppState,
    superuser: Superuser,
    id: Id<UserId>,
    body: Body<RoleBody>,
) -> ApiResult<Json<RolesOut>> {
    let by = Actor::Staff(superuser.user.id);
    let RoleBody { role, action } = body.0;
    let (roles, _repeated) = app
        .db
        .transaction(async |tx| accounts::change_role(tx, by, *id, role, action).await)
        .await?;
    Ok(Json(RolesOut::new(*id, roles)))
}
