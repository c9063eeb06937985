DROP TABLE staff_roles;
