-- Creates a tenant and its first administrator.
-- Tenants are made by an administrator: the role needs BYPASSRLS, because no policy lets anybody else insert one.
-- The password hash is what the API stores: bcrypt, computed elsewhere. Pass it with --set-from.
-- parameter name text = 'Default Tenant'
-- parameter slug text = 'default'
-- parameter tier text = 'free'
-- parameter email text
-- parameter password_hash text
WITH tenant AS (
    INSERT INTO tenants (name, slug, tier)
    VALUES (:'name', :'slug', :'tier')
    RETURNING id
)
INSERT INTO users (tenant_id, email, password_hash, role)
SELECT tenant.id, :'email', :'password_hash', 'admin'
FROM tenant
RETURNING tenant_id, id AS user_id;
