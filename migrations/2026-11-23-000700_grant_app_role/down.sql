DROP FUNCTION grant_app_role(text);
